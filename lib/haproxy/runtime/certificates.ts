/** Reads what HAProxy shows about certificates, CA files and CRL files (`show ssl cert NAME` and so on). Pure. */
import type { X509Certificate } from "node:crypto";

type Facts = Pick<X509Certificate, "fingerprint" | "serialNumber" | "validTo">;

/** Whether `shown` is `certificate`. HAProxy 2.6 shows no fingerprint for Ed25519 and RSA-PSS keys. */
export function showsCertificate(shown: string, certificate: Facts): boolean {
  const valueOf = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(shown)?.[1] ?? "";
  const fingerprint = valueOf("SHA1 FingerPrint");
  if (fingerprint !== "") return fingerprint === fingerprintOf(certificate);
  return serialOf(valueOf("Serial")) === serialOf(certificate.serialNumber) &&
    Date.parse(valueOf("notAfter")) === Date.parse(certificate.validTo);
}

/** Which certificate `shown` is: equal for the same one only. */
export const identityIn = (shown: string): string =>
  shown.match(/^(?:Serial|notBefore|notAfter|SHA1 FingerPrint): .*$/gm)?.join("\n") ?? "";

/** SHA-1 as HAProxy writes it: hexadecimal digits in upper case. */
export const fingerprintOf = ({ fingerprint }: Pick<Facts, "fingerprint">) =>
  fingerprint.replaceAll(":", "").toUpperCase();

/** Without leading zeros, which some programs leave out. */
const serialOf = (text: string) => text.toUpperCase().replace(/^0+/, "");

/** The fingerprints of a CA file's certificates. */
export const shownFingerprints = (shown: string | null) =>
  allIn(shown, /^SHA1 FingerPrint: (\w+)$/gm);

/** The serial numbers of the certificates that a CRL file revokes. */
export const shownRevocations = (shown: string | null) =>
  allIn(shown, /^\s*Serial Number: (\w+)$/gm);

/** All times in a CRL file, in milliseconds since 1970: of the lists and of each revocation. */
export const shownTimes = (shown: string | null): readonly number[] =>
  (shown?.match(/\w{3} +\d+ [\d:]{8} \d{4} GMT/g) ?? []).map((time) => Date.parse(time));

const allIn = (shown: string | null, pattern: RegExp): ReadonlySet<string> =>
  new Set([...shown?.matchAll(pattern) ?? []].map(([, match]) => match!));
