/** CA files. Open connections and sessions stay, so that an authority may come, but not go. */
import { fingerprintOf, shownFingerprints } from "../haproxy/runtime/certificates.ts";
import { type Ask, quoted } from "../haproxy/runtime/client.ts";
import { MOST_PAYLOAD, TlsTransaction } from "../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../loaded/targets.ts";
import { isCertificate, isCrl, type PemBlock, pemBlocks, readCertificate } from "./pem.ts";
import { type Content, counted, impossible, type Plan, type TargetKind } from "./target_kind.ts";
import { applyTls, REVOKED } from "./tls_apply.ts";

type CaFile = TargetOf<"ca_file">;

export const caFile: TargetKind<CaFile> = { noun: "CA file", plan };

async function plan({ name }: CaFile, { text }: Content): Promise<Plan> {
  const blocks = pemBlocks(text);
  if (blocks.some(isCrl)) return impossible("it holds a CRL besides");
  const certificates = blocks.filter(isCertificate);
  const read = await Promise.all(certificates.map(readCertificate));
  if (read.length === 0 || read.includes(null)) {
    return impossible("it holds no certificates, or some that cannot be read");
  }
  const wanted = new Set(read.map((one) => fingerprintOf(one!)));
  const apply = async (ask: Ask) => {
    const transaction = new TlsTransaction(ask, "ca-file", name);
    const used = await transaction.show();
    if (used === null) return impossible(quoted(used));
    if (!shownFingerprints(used).isSubsetOf(wanted)) return impossible(REVOKED);
    return await applyTls(transaction, {
      portions: portionsOf(certificates),
      isShown: (shown) => shownFingerprints(shown).symmetricDifference(wanted).size === 0,
      detail: counted(wanted.size, "certificate"),
    });
  };
  return { tag: "ready", apply };
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
