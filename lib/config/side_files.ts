/** Names the files that HAProxy looks for beside a certificate. Pure. */
import type { SideFileRule } from "./file_references.ts";

/** By the path of the certificate, whether they are there or not. */
export type SideFiles = (path: string) => readonly string[];

/** Makes what names the files beside a certificate. */
export function sideFilesBy({ extensions, replacesCrt }: SideFileRule): SideFiles {
  return (path) => {
    const stem = replacesCrt && path.endsWith(".crt") ? path.slice(0, -".crt".length) : path;
    return extensions.map((one) => `${BUNDLES.includes(one) ? path : stem}${one}`);
  };
}

/** Bundles always stand behind the whole name. */
const BUNDLES: readonly string[] = [".rsa", ".dsa", ".ecdsa"];
