/** Certificates with their chains and keys. Open TLS connections keep the old one. */
import type { X509Certificate } from "node:crypto";
import { forgottenBeside, givenBeside } from "../../config/side_files.ts";
import { showsCertificate } from "../../haproxy/runtime/certificates.ts";
import type { Ask } from "../../haproxy/runtime/client.ts";
import { TlsTransaction } from "../../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../../loaded/targets.ts";
import { planAddition } from "./member.ts";
import { readPair } from "./pair.ts";
import { pemBlocks, textOf } from "./pem.ts";
import {
  type Content,
  impossible,
  type Plan,
  type Refusal,
  refused,
  type TargetKind,
} from "./target_kind.ts";
import { applyTls } from "./tls_apply.ts";

export const certificate: TargetKind<TargetOf<"certificate">> = { plan };

async function plan(
  target: TargetOf<"certificate">,
  { text, key, issuer = null, ocsp = null, files }: Content,
): Promise<Plan> {
  const { path, name } = target;
  const isNew = target.besides !== undefined;
  const pair = await readPair(text, key);
  switch (pair.tag) {
    case "flawed":
      // There is no old one to keep: what to do about a new one is decided by a reload.
      return isNew ? impossible(`it ${pair.reason}`) : refused(pair.reason, pair.awaited);
    case "no_certificate":
      return impossible("it holds no certificate");
    case "unreadable":
      return impossible("it cannot be read");
    case "read":
      break;
    default:
      return pair satisfies never;
  }
  const { certificate, pem } = pair;
  const refusal = refusalAt(Date.now(), certificate);
  if (refusal !== null) return isNew ? impossible(`it ${refusal.reason}`) : refusal;
  const given = givenBeside(path);
  if (forgottenBeside(path).some((beside) => files.has(beside) && !given.includes(beside))) {
    return impossible(FORGOTTEN);
  }
  const beside = { issuer: issuer && textOf(pemBlocks(issuer)), ocsp };
  const detail = `expires ${dayOf(Date.parse(certificate.validTo))}`;
  if (isNew) return await planAddition(target, pair, { files, detail, beside });
  const apply = (ask: Ask) =>
    applyTls(new TlsTransaction(ask, "cert", name), {
      portions: [pem],
      beside,
      isShown: (shown) => showsCertificate(shown, certificate),
      detail,
    });
  return { tag: "ready", apply };
}

const FORGOTTEN = "HAProxy would forget a file beside it, such as .sctl";

/** Why a certificate must not be served at `nowMs`; `null` if it may. */
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

/** In UTC. */
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
