/** CRL files. HAProxy keeps resuming sessions, so a revocation may be removed, but not added. */
import { type Ask, quoted } from "../../haproxy/runtime/client.ts";
import { shownRevocations, shownTimes } from "../../haproxy/runtime/certificates.ts";
import { TlsTransaction } from "../../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../../loaded/targets.ts";
import { derOf, isCrl, type PemBlock, pemBlocks, textOf } from "./pem.ts";
import { type Content, impossible, type Plan, type TargetKind } from "./target_kind.ts";
import { counted } from "../../text/counted.ts";
import { applyTls, REVOKED } from "./tls_apply.ts";

type CrlFile = TargetOf<"crl_file">;

export const crlFile: TargetKind<CrlFile> = { plan };

function plan({ name }: CrlFile, { text }: Content): Plan {
  const blocks = pemBlocks(text).filter(isCrl);
  const timesByList = blocks.map(timesOf);
  if (blocks.length === 0 || timesByList.some((times) => times.length === 0)) {
    return impossible("it holds no CRL, or one that cannot be read");
  }
  const times = timesByList.flat();
  const apply = (ask: Ask) =>
    applyTls(new TlsTransaction(ask, "crl-file", name), {
      portions: [textOf(blocks)],
      obstacle: (transaction) => obstacleIn(transaction, times),
      isShown: (shown) => areShown(shown, times),
      detail: counted(blocks.length, "CRL"),
    });
  return { tag: "ready", apply };
}

async function obstacleIn(
  transaction: TlsTransaction,
  times: readonly number[],
): Promise<string | null> {
  const [current, pending] = [await transaction.show(), await transaction.showPending()];
  if (pending === null) return quoted(pending);
  if (!areShown(pending, times)) return "HAProxy does not show all of what it was given";
  return shownRevocations(pending).isSubsetOf(shownRevocations(current)) ? null : REVOKED;
}

/** Whether every list is shown in full. HAProxy 2.6 silently drops what exceeds its buffer, after some 200 revocations. */
const areShown = (shown: string | null, times: readonly number[]) =>
  shownTimes(shown).toSorted().join() === times.toSorted().join();

/**
 * All times in a CRL, in milliseconds since 1970 (RFC 5280, section 5.1): of its issue, which is unique among
 * the lists of an issuer, of the next issue, and of each revocation.
 */
function timesOf(block: PemBlock): readonly number[] {
  const text = new TextDecoder("latin1").decode(derOf(block) ?? new Uint8Array());
  return [...text.matchAll(/(?<!\d)(\d{12}|\d{14})Z/g)].map(([, digits]) => timeOf(digits!));
}

/** Two-digit years mean 1950 to 2049. */
function timeOf(digits: string): number {
  const [year, month, day, hour, minute, second] = digits.slice(-12).match(/\d\d/g)!;
  const century = digits.length === 14 ? digits.slice(0, 2) : Number(year) < 50 ? "20" : "19";
  return Date.parse(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
