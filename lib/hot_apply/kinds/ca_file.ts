/** CA files. Open connections and sessions survive, so an authority may be added, but not removed. */
import { fingerprintOf, shownFingerprints } from "../../haproxy/runtime/certificates.ts";
import { type Ask, quoted } from "../../haproxy/runtime/client.ts";
import { MOST_PAYLOAD, TlsTransaction } from "../../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../../loaded/targets.ts";
import { isCertificate, isCrl, type PemBlock, pemBlocks, readCertificate } from "./pem.ts";
import { type Content, impossible, type Plan, type TargetKind } from "./target_kind.ts";
import { counted } from "../../text/counted.ts";
import { applyTls, REVOKED } from "./tls_apply.ts";

type CaFile = TargetOf<"ca_file">;

export const caFile: TargetKind<CaFile> = { plan };

async function plan({ name }: CaFile, { text }: Content): Promise<Plan> {
  const blocks = pemBlocks(text);
  if (blocks.some(isCrl)) return impossible("it also holds a CRL");
  const certificateBlocks = blocks.filter(isCertificate);
  const certificates = await Promise.all(certificateBlocks.map(readCertificate));
  if (certificates.length === 0 || certificates.includes(null)) {
    return impossible("it holds no certificates, or some that cannot be read");
  }
  const wanted = new Set(certificates.map((certificate) => fingerprintOf(certificate!)));
  const apply = async (ask: Ask) => {
    const transaction = new TlsTransaction(ask, "ca-file", name);
    const current = await transaction.show();
    if (current === null) return impossible(quoted(current));
    if (!shownFingerprints(current).isSubsetOf(wanted)) return impossible(REVOKED);
    return await applyTls(transaction, {
      portions: portionsOf(certificateBlocks),
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
