/** Certificates with their chains and keys: set, committed and read back. Open TLS connections keep the old one. */
import type { X509Certificate } from "node:crypto";
import { forgottenBeside } from "../config/side_files.ts";
import {
  type CertificateFacts,
  factsOf,
  showsCertificate,
} from "../haproxy/runtime/certificates.ts";
import { type Ask, quoted } from "../haproxy/runtime/client.ts";
import { TlsTransaction } from "../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../loaded/targets.ts";
import { readPair } from "./pair.ts";
import {
  type Content,
  impossible,
  type Plan,
  type Refusal,
  refused,
  type Result,
  SHOWS_ANOTHER,
  type TargetKind,
  unconfirmed,
} from "./target_kind.ts";

export const certificate: TargetKind<TargetOf<"certificate">> = { noun: "certificate", plan };

async function plan(
  { path, name }: TargetOf<"certificate">,
  { text, key, files }: Content,
): Promise<Plan> {
  const pair = await readPair(text, key);
  switch (pair.tag) {
    case "flawed":
      return refused(pair.reason, pair.awaited);
    case "no_certificate":
      return impossible("it holds no certificate");
    case "unreadable":
      return impossible("it cannot be read");
    case "read": {
      const refusal = refusalAt(Date.now(), pair.certificate);
      if (refusal !== null) return refusal;
      if (forgottenBeside(path).some((one) => files.has(one))) return impossible(FORGOTTEN);
      const { pem, certificate } = pair;
      return {
        tag: "ready",
        apply: (ask: Ask) =>
          apply(new TlsTransaction(ask, "cert", name), pem, factsOf(certificate)),
      };
    }
    default:
      return pair satisfies never;
  }
}

const FORGOTTEN = "HAProxy would forget the .ocsp, .sctl or .issuer file beside it";

/** Why a certificate must not be served at that time, in milliseconds since 1970; `null` if it may. */
export function refusalAt(
  nowMs: number,
  { validFrom, validTo }: Pick<X509Certificate, "validFrom" | "validTo">,
): Refusal | null {
  const [from, until] = [Date.parse(validFrom), Date.parse(validTo)];
  if (until <= nowMs) return refused(`expired on ${dayOf(until)}`, "another one");
  return from > nowMs
    ? refused(`is not valid before ${new Date(from).toISOString()}`, "that time", from)
    : null;
}

async function apply(
  transaction: TlsTransaction,
  pem: string,
  facts: CertificateFacts,
): Promise<Result> {
  const setFailure = await transaction.set(pem);
  if (setFailure !== null) return impossible(setFailure);
  const failure = await transaction.commit();
  if (failure?.includes("inconsistencies between private key")) {
    return refused("does not match its private key", "the other of the pair");
  }
  if (failure !== null) return unconfirmed(failure);
  const shown = await transaction.show();
  if (shown === null) return unconfirmed(quoted(shown));
  return showsCertificate(shown, facts)
    ? { tag: "applied", detail: `expires ${dayOf(facts.expiresMs)}` }
    : unconfirmed(SHOWS_ANOTHER);
}

/** In UTC. */
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
