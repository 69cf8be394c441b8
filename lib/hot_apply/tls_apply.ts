/** Gives a process a certificate, CA file or CRL file: sets, checks, commits and reads it back, or else aborts. */
import { quoted } from "../haproxy/runtime/client.ts";
import type { TlsTransaction } from "../haproxy/runtime/tls_transaction.ts";
import { impossible, refused, type Result, SHOWS_ANOTHER, unconfirmed } from "./target_kind.ts";

export interface TlsContent {
  /** The first is set, the others are added. */
  readonly portions: readonly string[];
  /** Why what has been set must not be committed; `null` if it may. */
  readonly obstacle?: (transaction: TlsTransaction) => Promise<string | null>;
  readonly isShown: (shown: string) => boolean;
  /** A clause about the content. */
  readonly detail: string;
}

export async function applyTls(
  transaction: TlsTransaction,
  { portions, obstacle, isShown, detail }: TlsContent,
): Promise<Result> {
  for (const [index, portion] of portions.entries()) {
    const failure = await (index === 0 ? transaction.set(portion) : transaction.add(portion));
    if (failure !== null) return impossible(failure);
  }
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
  return isShown(shown) ? { tag: "applied", detail } : unconfirmed(SHOWS_ANOTHER);
}

/** HAProxy keeps resuming sessions of clients that it no longer trusts (2.6 and 3.0, TLS 1.2 and 1.3). */
export const REVOKED = "clients are no longer trusted, and only a reload ends their sessions";
