/** Tells whether a certificate is fit to be served, before HAProxy is given it. */
import type { Unfit } from "./target_apply.ts";
import { isCertificate, isCutOff, isPrivateKey, pemBlocks } from "./pem.ts";

export type Examination =
  | Fit
  | { readonly tag: "unfit" } & Unfit
  /** Only HAProxy itself can tell. */
  | { readonly tag: "unreadable"; readonly reason: string };

export interface Fit {
  readonly tag: "fit";
  /** Certificate, chain and key in one, as HAProxy takes them. */
  readonly pem: string;
  /** SHA-1, as HAProxy shows it: hexadecimal digits, upper case. */
  readonly fingerprint: string;
  /** As `shownSerial` gives it. */
  readonly serial: string;
  readonly expiresMs: number;
}

export interface ExaminationOptions {
  /** What a key file beside it holds; `null` where there is none. */
  readonly key: string | null;
  readonly nowMs: number;
}

/** Examines a certificate file's text. That a pair fits cannot always be told here: HAProxy looks again. */
export async function examineCertificate(
  text: string,
  { key, nowMs }: ExaminationOptions,
): Promise<Examination> {
  const blocks = pemBlocks(text);
  const certificate = blocks.find(isCertificate);
  if (text.trim() === "") return unfit("is empty", "a certificate");
  if (certificate === undefined) return { tag: "unreadable", reason: "it holds no certificate" };
  const inside = blocks.find(isPrivateKey);
  const keyBlock = inside ?? pemBlocks(key ?? "").find(isPrivateKey);
  if (keyBlock === undefined) {
    return unfit(NO_KEY, "the key");
  }
  const crypto = await import("node:crypto");
  const read = attempt(() => new crypto.X509Certificate(certificate.text));
  if (read === null) return { tag: "unreadable", reason: "it cannot be read" };
  const [from, until] = [Date.parse(read.validFrom), Date.parse(read.validTo)];
  if (until <= nowMs) return unfit(`expired on ${dateOf(until)}`, "another one");
  if (from > nowMs) {
    return unfit(`is not valid before ${new Date(from).toISOString()}`, "that time", from);
  }
  if (isOfAnother(crypto, read, keyBlock.text)) {
    return inside === undefined
      ? unfit(OTHER_KEY_BESIDE, "the other of the pair")
      : unfit(OTHER_KEY_INSIDE, "another one");
  }
  return {
    tag: "fit",
    pem: [...blocks, ...inside ? [] : [keyBlock]].map(({ text }) => text).join("\n"),
    fingerprint: shownFingerprint(read),
    serial: shownSerial(read.serialNumber),
    expiresMs: until,
  };
}

/**
 * Why HAProxy cannot load what a file and the key file beside it hold, expired or not; `null`: it may, or
 * only it can tell.
 */
export async function flawOf(text: string, key: string | null): Promise<string | null> {
  if (text.trim() === "") return "is empty";
  if (isCutOff(text)) return "ends in the middle of a block";
  const blocks = pemBlocks(text);
  const certificate = blocks.find(isCertificate);
  if (certificate === undefined) return "holds no certificate";
  const inside = blocks.find(isPrivateKey);
  const keyBlock = inside ?? pemBlocks(key ?? "").find(isPrivateKey);
  if (keyBlock === undefined) return NO_KEY;
  const crypto = await import("node:crypto");
  const read = attempt(() => new crypto.X509Certificate(certificate.text));
  if (read === null || !isOfAnother(crypto, read, keyBlock.text)) return null;
  return inside === undefined ? OTHER_KEY_BESIDE : OTHER_KEY_INSIDE;
}

const NO_KEY = "has no private key, neither in it nor beside it";
const OTHER_KEY_BESIDE = "does not match the private key beside it";
const OTHER_KEY_INSIDE = "does not match the private key in it";

/** The SHA-1 fingerprint in the form in which HAProxy shows it. */
export const shownFingerprint = ({ fingerprint }: { readonly fingerprint: string }) =>
  fingerprint.replaceAll(":", "").toUpperCase();

/** A serial number without what not everybody writes. */
export const shownSerial = (text: string) => text.toUpperCase().replace(/^0+/, "");

/** The day of a time, in UTC. */
export const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

function unfit(reason: string, awaited: string, fitFromMs: number | null = null): Examination {
  return { tag: "unfit", reason, awaited, fitFromMs };
}

type Crypto = typeof import("node:crypto");

/**
 * Whether the key is certainly that of another certificate. Deno 2.6 cannot compare some keys (Ed25519,
 * P-521, RSA-PSS) and has no `checkPrivateKey`, which is right for all on 2.9.
 */
function isOfAnother(
  { createPrivateKey, createPublicKey }: Crypto,
  certificate: InstanceType<Crypto["X509Certificate"]>,
  keyText: string,
): boolean {
  const key = attempt(() => createPrivateKey(keyText));
  if (key === null) return false;
  const matches = attempt(() => certificate.checkPrivateKey(key)) ?? attempt(() => {
    const [own, given] = [certificate.publicKey, createPublicKey(keyText)]
      .map((one) => one.export({ type: "spki", format: "der" }));
    return own!.equals(given!);
  });
  return matches === false;
}

function attempt<Result>(act: () => Result): Result | null {
  try {
    return act();
  } catch {
    return null;
  }
}
