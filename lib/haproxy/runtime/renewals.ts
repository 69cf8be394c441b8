/** The Runtime API for certificates that HAProxy obtains and renews itself (`acme`, HAProxy 3.2 and later). */
import { type Ask, escaped } from "./client.ts";

/** A certificate that HAProxy renews. */
export interface Renewed {
  /** As `show ssl cert` lists it. */
  readonly name: string;
  /** Whether an order for a new one is under way. */
  readonly isRenewing: boolean;
  /** When the one in use expires, in milliseconds since 1970. */
  readonly expiresMs: number;
}

/** `null` without an answer; none if HAProxy knows no ACME. */
export async function showRenewals(ask: Ask): Promise<readonly Renewed[] | null> {
  const answer = await ask("acme status");
  return answer === null ? null : parseRenewals(answer);
}

/** Reads the answer to `acme status`, as HAProxy 3.2 and 3.4 write it: nothing at all while certificates are locked. Pure. */
export function parseRenewals(answer: string): readonly Renewed[] | null {
  if (/^Unknown command/m.test(answer)) return [];
  if (!answer.startsWith("# certificate\t")) return null;
  return answer.split("\n").flatMap((line) => {
    const [name = "", , state, expires = ""] = line.split("\t");
    const expiresMs = Date.parse(expires);
    if (name.startsWith("#") || Number.isNaN(expiresMs)) return [];
    return [{ name, isRenewing: state === "Running", expiresMs }];
  });
}

/** What the process says of the certificate that it uses; `null` without an answer. */
export async function showCertificate(ask: Ask, name: string): Promise<string | null> {
  const answer = await ask(`show ssl cert ${escaped(name)}`);
  return answer?.includes("\nnotAfter: ") ? answer : null;
}

/** The private key, the certificate and its chain that the process uses, as PEM; `null` without an answer. */
export const dumpCertificate = (ask: Ask, name: string): Promise<string | null> =>
  ask(`dump ssl cert ${escaped(name)}`);
