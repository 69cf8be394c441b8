/** CA files: set in portions, committed, and compared with what HAProxy shows. */
import { shownFingerprints } from "../haproxy/runtime/authorities.ts";
import { fingerprintOf } from "../haproxy/runtime/certificates.ts";
import { type Ask, quoted } from "../haproxy/runtime/client.ts";
import { MOST_PAYLOAD, TlsTransaction } from "../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../loaded/targets.ts";
import { isCertificate, isCrl, type PemBlock, pemBlocks, readCertificate } from "./pem.ts";
import {
  counted,
  impossible,
  type Result,
  REVOKED,
  SHOWS_ANOTHER,
  type TargetKind,
  unconfirmed,
} from "./target_kind.ts";

export const caFile: TargetKind<TargetOf<"ca_file">> = {
  noun: "CA file",
  async plan({ name }, { text }) {
    const blocks = pemBlocks(text);
    if (blocks.some(isCrl)) return impossible("it holds a CRL besides");
    const certificates = blocks.filter(isCertificate);
    const read = await Promise.all(certificates.map(readCertificate));
    if (read.length === 0 || read.includes(null)) {
      return impossible("it holds no certificates, or some that cannot be read");
    }
    const wanted = new Set(read.map((one) => fingerprintOf(one!)));
    return {
      tag: "ready",
      apply: (ask: Ask) =>
        apply(new TlsTransaction(ask, "ca-file", name), portionsOf(certificates), wanted),
    };
  },
};

async function apply(
  transaction: TlsTransaction,
  portions: readonly string[],
  wanted: ReadonlySet<string>,
): Promise<Result> {
  const before = await transaction.show();
  if (before === null) return impossible(quoted(before));
  if (!shownFingerprints(before).isSubsetOf(wanted)) return impossible(REVOKED);
  for (const [index, portion] of portions.entries()) {
    const failure = await (index === 0 ? transaction.set(portion) : transaction.add(portion));
    if (failure !== null) return impossible(failure);
  }
  const failure = await transaction.commit();
  if (failure !== null) return unconfirmed(failure);
  const shown = await transaction.show();
  if (shown === null) return unconfirmed(quoted(shown));
  return shownFingerprints(shown).symmetricDifference(wanted).size === 0
    ? { tag: "applied", detail: counted(wanted.size, "certificate") }
    : unconfirmed(SHOWS_ANOTHER);
}

function portionsOf(blocks: readonly PemBlock[]): readonly string[] {
  const portions: string[] = [];
  for (const { text } of blocks) {
    const longer = portions.length === 0 ? null : `${portions.at(-1)}\n${text}`;
    if (longer === null || longer.length > MOST_PAYLOAD) portions.push(text);
    else portions[portions.length - 1] = longer;
  }
  return portions;
}
