/** Names the files that HAProxy looks for beside a certificate. Pure. */
import type { SideFileRule } from "./file_references.ts";

/** The paths beside the certificate at `path`, whether anything is there or not. */
export function sideFilesOf(
  path: string,
  { extensions, replacesCrt }: SideFileRule,
): readonly string[] {
  const stem = replacesCrt && path.endsWith(".crt") ? path.slice(0, -".crt".length) : path;
  return extensions.map((one) => `${BUNDLES.includes(one) ? path : stem}${one}`);
}

/** Bundles always stand behind the whole name. */
const BUNDLES: readonly string[] = [".rsa", ".dsa", ".ecdsa"];
