/** Gives a process a certificate, CA file or CRL file: sets, checks, commits and reads it back, or else aborts. */
import { quoted } from "../../haproxy/runtime/client.ts";
import type { TlsTransaction } from "../../haproxy/runtime/tls_transaction.ts";
import { impossible, refused, type Result, SHOWS_ANOTHER, unconfirmed } from "./target_kind.ts";

export interface TlsContent {
  /** The first is set, the others are added. */
  readonly portions: readonly string[];
  /** Of a certificate: what is given together with it. */
  readonly beside?: Beside;
  /** Why what has been set must not be committed; `null` if it may. */
  readonly obstacle?: (transaction: TlsTransaction) => Promise<string | null>;
  readonly isShown: (shown: string) => boolean;
  /** A clause about the content. */
  readonly detail: string;
}

/** The issuer's certificate, and the OCSP response in base64. */
export interface Beside {
  readonly issuer: string | null;
  readonly ocsp: string | null;
}

export const NOTHING_BESIDE: Beside = { issuer: null, ocsp: null };

/** Gives what stands beside a certificate that was set; `null`, or why it failed as a clause. */
export async function setBeside(
  transaction: TlsTransaction,
  { issuer, ocsp }: Beside,
): Promise<string | null> {
  const failure = issuer === null ? null : await transaction.setBeside(".issuer", issuer);
  return failure ?? (ocsp === null ? null : await transaction.setBeside(".ocsp", ocsp));
}

/** Whether the process has that OCSP response, once it shows the certificate. */
export async function hasOcsp(
  transaction: TlsTransaction,
  shown: string,
  { ocsp }: Beside,
): Promise<boolean> {
  return ocsp === null || (await transaction.showOcsp(shown))?.trim() === ocsp;
}

export async function applyTls(
  transaction: TlsTransaction,
  { portions, beside = NOTHING_BESIDE, obstacle, isShown, detail }: TlsContent,
): Promise<Result> {
  if (beside.ocsp !== null && !await transaction.showsOcsp()) return impossible(NO_OCSP);
  for (const [index, portion] of portions.entries()) {
    const failure = await (index === 0 ? transaction.set(portion) : transaction.add(portion));
    if (failure !== null) return impossible(failure);
  }
  const besideFailure = await setBeside(transaction, beside);
  if (besideFailure !== null) return impossible(besideFailure);
  const reason = await obstacle?.(transaction) ?? null;
  if (reason !== null) {
    await transaction.abort();
    return impossible(reason);
  }
  const failure = await transaction.commit();
  if (failure?.includes("inconsistencies between private key")) {
    return refused("does not match its private key", "the other of the pair");
  }
  if (failure !== null) return unconfirmed(failure);
  const shown = await transaction.show();
  if (shown === null) return unconfirmed(quoted(shown));
  return isShown(shown) && await hasOcsp(transaction, shown, beside)
    ? { tag: "applied", detail }
    : unconfirmed(SHOWS_ANOTHER);
}

export const NO_OCSP = "this release of HAProxy does not show the OCSP response that it has";

/** HAProxy keeps resuming sessions of clients that it no longer trusts (2.6 and 3.0, TLS 1.2 and 1.3). */
export const REVOKED = "clients are no longer trusted, and only a reload ends their sessions";
