/** Reads what HAProxy shows of a certificate (`show ssl cert NAME`). Pure. */

/** What tells a certificate from all others. */
export interface CertificateFacts {
  /** SHA-1, as HAProxy shows it: hexadecimal digits, upper case. */
  readonly fingerprint: string;
  readonly serial: string;
  readonly expiresMs: number;
}

/** The facts of a certificate that Node has read, in HAProxy's form. */
export function factsOf(
  { fingerprint, serialNumber, validTo }: {
    readonly fingerprint: string;
    readonly serialNumber: string;
    readonly validTo: string;
  },
): CertificateFacts {
  return {
    fingerprint: fingerprintOf({ fingerprint }),
    serial: serialOf(serialNumber),
    expiresMs: Date.parse(validTo),
  };
}

export const fingerprintOf = ({ fingerprint }: { readonly fingerprint: string }) =>
  fingerprint.replaceAll(":", "").toUpperCase();

/** Without the zeros that not everybody writes. */
export const serialOf = (text: string) => text.toUpperCase().replace(/^0+/, "");

/** Whether `shown` is that certificate. HAProxy 2.6 shows no fingerprint for Ed25519 and RSA-PSS keys. */
export function showsCertificate(shown: string, facts: CertificateFacts): boolean {
  const valueOf = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(shown)?.[1] ?? "";
  const fingerprint = valueOf("SHA1 FingerPrint");
  if (fingerprint !== "") return fingerprint === facts.fingerprint;
  return serialOf(valueOf("Serial")) === facts.serial &&
    Date.parse(valueOf("notAfter")) === facts.expiresMs;
}
