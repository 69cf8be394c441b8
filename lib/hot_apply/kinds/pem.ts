/** Splits PEM texts into blocks. */
import type { X509Certificate } from "node:crypto";

export interface PemBlock {
  /** For example `EC PRIVATE KEY`. */
  readonly label: string;
  readonly text: string;
}

/** The blocks of `text`, without the text around them and without blank lines, which would end a payload. */
export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([block, label]) => ({
    label: label!,
    text: block.replaceAll(/[ \t\r]*\n\s*/g, "\n"),
  }));
}

export const textOf = (blocks: readonly PemBlock[]) => blocks.map(({ text }) => text).join("\n");

/** Whether a block in `text` has no end, as in a file that is still being written. */
export const isCutOff = (text: string) =>
  [...text.matchAll(BEGIN)].length > [...text.matchAll(BLOCK)].length;

/** OpenSSL's form with trust settings counts too: Node reads it (Deno 2.6 and 2.9). */
export const isCertificate = ({ label }: PemBlock) => /^(?:TRUSTED )?CERTIFICATE$/.test(label);

export const isPrivateKey = ({ label }: PemBlock) => label.endsWith("PRIVATE KEY");

export const isCrl = ({ label }: PemBlock) => label === "X509 CRL";

/** `null` if it cannot be read. */
export async function readCertificate({ text }: PemBlock): Promise<X509Certificate | null> {
  const { X509Certificate } = await import("node:crypto");
  return attempt(() => new X509Certificate(text));
}

/** The decoded content; `null` if it is not base64. */
export const derOf = ({ text }: PemBlock): Uint8Array | null =>
  attempt(() => Uint8Array.fromBase64(text.split("\n").slice(1, -1).join("")));

/** `null` if `act` throws. */
export function attempt<Result>(act: () => Result): Result | null {
  try {
    return act();
  } catch {
    return null;
  }
}

/** OpenSSL wants these at the start of a line, and allows blanks after them. */
const BEGIN = /^-----BEGIN [A-Z0-9 ]+-----[ \t]*\r?$/gm;
const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n[\s\S]*?\n-----END \1-----/gm;
