/** Reads what HAProxy shows of CA files and CRL files (`show ssl ca-file NAME`, `show ssl crl-file NAME`). Pure. */

/** The SHA-1 fingerprints of a CA file's certificates. */
export const shownFingerprints = (shown: string | null) =>
  allIn(shown, /^SHA1 FingerPrint: (\w+)$/gm);

/** The serial numbers of the certificates that a CRL file revokes. */
export const shownRevocations = (shown: string | null) =>
  allIn(shown, /^\s*Serial Number: (\w+)$/gm);

/** All times in a CRL file, in milliseconds since 1970: of the lists and of each revocation. */
export const shownTimes = (shown: string | null): readonly number[] =>
  (shown?.match(/\w{3} +\d+ [\d:]{8} \d{4} GMT/g) ?? []).map((time) => Date.parse(time));

const allIn = (shown: string | null, pattern: RegExp): ReadonlySet<string> =>
  new Set([...shown?.matchAll(pattern) ?? []].map(([, one]) => one!));
