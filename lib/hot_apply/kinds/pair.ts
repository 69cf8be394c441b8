/** Reads a certificate and its private key from the certificate's file and the key file beside it. */
import type { X509Certificate } from "node:crypto";
import { attempt, isCertificate, isPrivateKey, pemBlocks, readCertificate, textOf } from "./pem.ts";

export type Pair =
  | {
    readonly tag: "read";
    readonly certificate: X509Certificate;
    /** Certificate, chain and key in one payload, as HAProxy takes them. */
    readonly pem: string;
  }
  /** HAProxy certainly cannot load it. */
  | {
    readonly tag: "flawed";
    /** A clause about the file. */
    readonly reason: string;
    /** What is missing, as a noun. */
    readonly awaited: string;
  }
  | { readonly tag: "no_certificate" }
  /** Only HAProxy can tell. */
  | { readonly tag: "unreadable" };

/** `key` is the text of the key file, which counts if the certificate's own file holds no key. */
export async function readPair(text: string, key: string | null): Promise<Pair> {
  if (text.trim() === "") return flawed("is empty", "a certificate");
  const blocks = pemBlocks(text);
  const first = blocks.find(isCertificate);
  if (first === undefined) return { tag: "no_certificate" };
  const ownKey = blocks.find(isPrivateKey);
  const keyBlock = ownKey ?? pemBlocks(key ?? "").find(isPrivateKey);
  if (keyBlock === undefined) {
    return flawed("has no private key, in it or beside it", "the key");
  }
  const certificate = await readCertificate(first);
  if (certificate === null) return { tag: "unreadable" };
  if (await isMismatch(certificate, keyBlock.text)) {
    return ownKey === undefined
      ? flawed("does not match the private key beside it", "the other of the pair")
      : flawed("does not match the private key in it", "another one");
  }
  return { tag: "read", certificate, pem: textOf(ownKey ? blocks : [...blocks, keyBlock]) };
}

const flawed = (reason: string, awaited: string): Pair => ({ tag: "flawed", reason, awaited });

/**
 * Whether the key certainly belongs to another certificate. Deno 2.6 cannot compare some keys (Ed25519,
 * P-521, RSA-PSS) and lacks `checkPrivateKey`, which is right for all of them on 2.9.
 */
async function isMismatch(certificate: X509Certificate, keyText: string): Promise<boolean> {
  const { createPrivateKey, createPublicKey } = await import("node:crypto");
  const key = attempt(() => createPrivateKey(keyText));
  if (key === null) return false;
  const matches = attempt(() => certificate.checkPrivateKey(key)) ?? attempt(() => {
    const [own, other] = [certificate.publicKey, createPublicKey(keyText)]
      .map((publicKey) => publicKey.export({ type: "spki", format: "der" }));
    return own!.equals(other!);
  });
  return matches === false;
}
