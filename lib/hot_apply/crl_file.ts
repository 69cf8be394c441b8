/** CRL files. Sessions go on being resumed, so that a revocation may go, but not come. */
import { type Ask, quoted } from "../haproxy/runtime/client.ts";
import { shownRevocations, shownTimes } from "../haproxy/runtime/certificates.ts";
import { TlsTransaction } from "../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../loaded/targets.ts";
import { derOf, isCrl, type PemBlock, pemBlocks, textOf } from "./pem.ts";
import { type Content, counted, impossible, type Plan, type TargetKind } from "./target_kind.ts";
import { applyTls, REVOKED } from "./tls_apply.ts";

type CrlFile = TargetOf<"crl_file">;

export const crlFile: TargetKind<CrlFile> = { noun: "CRL file", plan };

function plan({ name }: CrlFile, { text }: Content): Plan {
  const blocks = pemBlocks(text).filter(isCrl);
  const byList = blocks.map(timesOf);
  if (blocks.length === 0 || byList.some((some) => some.length === 0)) {
    return impossible("it holds no CRL, or one that cannot be read");
  }
  const times = byList.flat();
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
  const [used, pending] = [await transaction.show(), await transaction.showPending()];
  if (pending === null) return quoted(pending);
  if (!areShown(pending, times)) return "HAProxy does not show all of what it was given";
  return shownRevocations(pending).isSubsetOf(shownRevocations(used)) ? null : REVOKED;
}

/** Whether all lists are shown whole. HAProxy 2.6 silently leaves out what exceeds its buffer, after some 200 revocations. */
const areShown = (shown: string | null, times: readonly number[]) =>
  shownTimes(shown).toSorted().join() === times.toSorted().join();

/**
 * All times in a CRL, in milliseconds since 1970 (RFC 5280, section 5.1): when it was issued, which no
 * two lists of one issuer have in common, when the next comes, and of each revocation.
 */
function timesOf(block: PemBlock): readonly number[] {
  const text = new TextDecoder("latin1").decode(derOf(block) ?? new Uint8Array());
  return [...text.matchAll(/(?<!\d)(\d{12}|\d{14})Z/g)].map(([, digits]) => timeOf(digits!));
}

/** A year of two digits is one from 1950 to 2049. */
function timeOf(digits: string): number {
  const [year, month, day, hour, minute, second] = digits.slice(-12).match(/\d\d/g)!;
  const century = digits.length === 14 ? digits.slice(0, 2) : Number(year) < 50 ? "20" : "19";
  return Date.parse(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
