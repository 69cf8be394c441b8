/** Certificates that come into a directory which HAProxy has loaded as a whole, or go from it; and new ones of a list. */
import { dirname } from "@std/path";
import { ownersOf } from "../../config/side_files.ts";
import {
  addLine,
  addToList,
  deleteCertificate,
  deleteFromList,
  isInList,
  newCertificate,
} from "../../haproxy/runtime/certificate_lists.ts";
import { showsCertificate } from "../../haproxy/runtime/certificates.ts";
import { type Ask, quoted } from "../../haproxy/runtime/client.ts";
import { TlsTransaction } from "../../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../../loaded/targets.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import { namesake } from "./names.ts";
import type { Pair } from "./pair.ts";
import { type Beside, hasOcsp, NO_OCSP, setBeside } from "./tls_apply.ts";
import { impossible, type Plan, type Result, SHOWS_ANOTHER, unconfirmed } from "./target_kind.ts";

type Certificate = TargetOf<"certificate">;
type ReadPair = Extract<Pair, { readonly tag: "read" }>;

/** `detail`: a clause about the certificate. */
export async function planAddition(
  { besides = [], ...target }: Certificate,
  { certificate, pem }: ReadPair,
  { files, detail, beside }: {
    readonly files: Fingerprint["files"];
    readonly detail: string;
    readonly beside: Beside;
  },
): Promise<Plan> {
  const { list, name, line } = target;
  if (list === undefined) return impossible("it is new");
  const obstacle = besides.length === 0 ? null : await namesake(certificate, besides, files);
  if (obstacle !== null) return impossible(`it is new, and ${obstacle}`);
  const apply = async (ask: Ask): Promise<Result> => {
    const transaction = new TlsTransaction(ask, "cert", name);
    if (beside.ocsp !== null && !await transaction.showsOcsp()) return impossible(NO_OCSP);
    const failure = await newCertificate(ask, name) ?? await transaction.set(pem) ??
      await setBeside(transaction, beside) ?? await transaction.commit() ??
      await (line === undefined ? addToList(ask, list, name) : addLine(ask, list, line));
    if (failure !== null) return await withdraw(target, failure, ask);
    const isListed = await isInList(ask, list, name);
    const shown = await transaction.show();
    return isListed && shown !== null && showsCertificate(shown, certificate) &&
        await hasOcsp(transaction, shown, beside)
      ? { tag: "applied", detail, how: "added", after: target }
      : await withdraw(target, shown === null ? quoted(shown) : SHOWS_ANOTHER, ask);
  };
  return { tag: "ready", apply };
}

/** Takes back what there is of a new certificate. */
async function withdraw({ list, name }: Certificate, reason: string, ask: Ask): Promise<Result> {
  await deleteFromList(ask, list!, name);
  await deleteCertificate(ask, name);
  const listed = await ask("show ssl cert");
  return listed !== null && !listed.split("\n").includes(name)
    ? impossible(reason)
    : unconfirmed(reason);
}

export function planRemoval(target: Certificate, files: Fingerprint["files"]): Plan {
  const { list, name, path } = target;
  if (list === undefined) return impossible("it was removed");
  const directory = dirname(path);
  const isLast = !files.keys().some((other) => dirname(other) === directory && !ownersOf(other));
  if (isLast) return impossible("it was removed, as the last of its directory");
  const apply = async (ask: Ask): Promise<Result> => {
    // HAProxy refuses it for a default certificate.
    const refusal = await deleteFromList(ask, list, name);
    if (refusal !== null) {
      const isListed = await isInList(ask, list, name);
      return isListed ? impossible(refusal) : unconfirmed(refusal);
    }
    const failure = await deleteCertificate(ask, name);
    return failure === null
      ? { tag: "applied", detail: "its file is gone", how: "removed", after: target }
      : unconfirmed(failure);
  };
  return { tag: "ready", apply };
}
