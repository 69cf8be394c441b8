/** What is known of a certificate that a generation obtains. */
import type { FileReference } from "../config/file_references.ts";
import { identityIn, showsCertificate } from "../haproxy/runtime/certificates.ts";
import type { Ask } from "../haproxy/runtime/client.ts";
import { type Renewed, showCertificate } from "../haproxy/runtime/renewals.ts";
import { MISSING } from "../watch/scan/fingerprint.ts";
import { type Contents, holdingOf } from "./holding.ts";
import type { Serving } from "./keeper.ts";

export interface Known {
  /** When the one in use expires. */
  readonly expiresMs: number;
  /** Which one its files hold, as HAProxy shows it; `null`: another one than HAProxy shows. */
  readonly identity: string | null;
  /** What its files held then. */
  readonly contents: Contents;
  readonly isRenewing: boolean;
  /** Why a newer one is not saved; `null` if it is, or there is none. */
  readonly problem: { readonly reason: string; readonly againMs: number } | null;
}

/** What the generation loaded, which its files still hold unless somebody has just changed them. `null` without an answer. */
export async function firstKnown(
  ask: Ask,
  { name, expiresMs }: Renewed,
  { file, serving }: { readonly file: FileReference; readonly serving: Serving },
): Promise<Known | null> {
  const shown = await showCertificate(ask, name);
  if (shown === null) return null;
  const held = await holdingOf(file);
  const contents = loadedBy(serving, held.contents);
  const isLoaded = Array.from(contents).every(([path, content]) =>
    held.contents.get(path) === content
  );
  const { certificate } = held;
  // It may have obtained another before its first answer. What it makes up without a file has expired.
  const isOther = isLoaded && expiresMs > Date.now() &&
    (contents.get(file.path) === MISSING ||
      (certificate !== null && !showsCertificate(shown, certificate)));
  const identity = isOther ? null : identityIn(shown);
  return { expiresMs, identity, contents, isRenewing: false, problem: null };
}

/** What it loaded from the files of `contents`: what is unknown of it counts as what they hold. */
export const loadedBy = ({ fingerprint }: Serving, contents: Contents): Contents =>
  new Map(
    Array.from(
      contents,
      ([path, content]) => [path, fingerprint?.files.get(path)?.content ?? content],
    ),
  );

/** Whether it may be another one than its files hold, now that one is shown which expires at `shownMs`. */
export function isDue(
  { isRenewing, identity, expiresMs, problem }: Known,
  shownMs: number,
): boolean {
  if (isRenewing) return true;
  return problem === null
    ? identity === null || expiresMs !== shownMs
    : problem.againMs <= performance.now();
}
