/**
 * Saves a certificate that a process obtained where the configuration says: whole or not at all, for our own user alone,
 * and never over what somebody else has put there. A text with a private key goes nowhere else.
 */
import type { X509Certificate } from "node:crypto";
import { refusalAt } from "../hot_apply/kinds/certificate.ts";
import { type Pair, readPair } from "../hot_apply/kinds/pair.ts";
import { isCutOff, isPrivateKey, pemBlocks, textOf } from "../hot_apply/kinds/pem.ts";
import { sha256 } from "../system/files/contents.ts";
import { statAtOnce } from "../system/files/files.ts";
import { systemReason } from "../text/system_reason.ts";
import { isSameState } from "../watch/directories/file_state.ts";
import {
  certificatesIn,
  type Contents,
  hasOwnKey,
  type Holding,
  holdingOf,
  type ObtainedFile,
  pathsOf,
} from "./holding.ts";
import { type Part, type Rename, writeParts } from "./parts.ts";
import { placeOf } from "./place.ts";

export type SaveEnd =
  /** The files now have these contents. */
  | { readonly tag: "saved"; readonly contents: Contents; readonly expiresMs: number }
  /** The files already hold the certificate and its key. */
  | { readonly tag: "held"; readonly contents: Contents }
  /** The certificate must not be saved; `reason` is a clause about it. */
  | { readonly tag: "refused"; readonly reason: string }
  | { readonly tag: "not_written"; readonly reason: string }
  /** It may be saved a moment later: `replace` declined, or a file was just changed. */
  | { readonly tag: "declined" };

export interface SaveOptions {
  /** All that HAProxy obtains. */
  readonly files: readonly ObtainedFile[];
  /** What the files held when the process loaded them. */
  readonly loaded: Contents;
  /** Returns what `rename` returns, or `false` without calling it. `contents` is what the files then hold. */
  readonly replace: (rename: Rename, contents: Contents) => Promise<boolean>;
}

/** `dump`: the certificate, its chain and its key, as the process shows them. */
export async function saveCertificate(
  dump: string,
  file: ObtainedFile,
  { files, loaded, replace }: SaveOptions,
): Promise<SaveEnd> {
  // HAProxy 3.2 and 3.4 show 16 kB of one certificate, and nothing after them.
  if (isCutOff(dump)) return refused("HAProxy does not show all of it");
  const certificate = fit(await readPair(dump, null));
  if (typeof certificate === "string") return refused(certificate);
  const held = await holdingOf(file);
  if (held.certificate?.fingerprint256 === certificate.fingerprint256) {
    return { tag: "held", contents: held.contents };
  }
  for (const [path, content] of held.contents) {
    if (content !== loaded.get(path)) {
      return refused(`${nameOf(path, file)} has changed since it was loaded`);
    }
  }
  const other = files.find((one) => isClash(one, file));
  if (other !== undefined) {
    return notWritten(`line ${other.line} of "${other.file}" names that file or its key's too`);
  }
  try {
    const parts = await partsOf(dump, file, held);
    return typeof parts === "string"
      ? notWritten(parts)
      : await write(parts, { held, replace, certificate });
  } catch (error) {
    return notWritten(reasonOf(error));
  }
}

const refused = (reason: string): SaveEnd => ({ tag: "refused", reason });
const notWritten = (reason: string): SaveEnd => ({ tag: "not_written", reason });

/** What may be served, as for a file that is hot-applied; otherwise why not, as a clause. */
function fit(pair: Pair): X509Certificate | string {
  switch (pair.tag) {
    case "flawed":
      return `what HAProxy shows ${pair.reason}`;
    case "no_certificate":
      return "HAProxy shows none";
    case "unreadable":
      return "what HAProxy shows cannot be read";
    case "read": {
      const refusal = refusalAt(Date.now(), pair.certificate);
      return refusal === null ? pair.certificate : `it ${refusal.reason}`;
    }
    default:
      return pair satisfies never;
  }
}

/** Whether two certificates would replace each other. HAProxy has only one of each name. */
const isClash = (one: ObtainedFile, other: ObtainedFile) =>
  one.name !== other.name && pathsOf(one).some((path) => pathsOf(other).includes(path));

const keysIn = (text: string) => textOf(pemBlocks(text).filter(isPrivateKey));

/** HAProxy shows the key first, and other programs look for a certificate there. */
function textsOf(dump: string, file: ObtainedFile): readonly string[] {
  const [certificates, keys] = [`${certificatesIn(dump)}\n`, `${keysIn(dump)}\n`];
  return hasOwnKey(file) ? [keys, certificates] : [certificates + keys];
}

/** Why one of the files cannot be written, as a clause. */
async function partsOf(
  dump: string,
  file: ObtainedFile,
  { files }: Holding,
): Promise<readonly (Part & { readonly name: string })[] | string> {
  const texts = textsOf(dump, file);
  const parts = [];
  for (const [index, name] of pathsOf(file).entries()) {
    const place = await placeOf(name);
    if (place.tag === "impossible") {
      return name === file.path
        ? place.reason
        : `its key cannot be saved in "${name}": ${place.reason}`;
    }
    const bytes = new TextEncoder().encode(texts[index]);
    parts.push({ ...place, name, bytes, before: files.get(name)!.bytes });
  }
  return parts;
}

async function write(
  parts: readonly (Part & { readonly name: string })[],
  { held, replace, certificate }: {
    readonly held: Holding;
    readonly replace: SaveOptions["replace"];
    readonly certificate: X509Certificate;
  },
): Promise<SaveEnd> {
  const contents = new Map<string, string>();
  for (const { name, bytes } of parts) contents.set(name, await sha256(bytes));
  const isReplaced = await writeParts(parts, {
    replace: (rename) => replace(rename, contents),
    isUnchanged: () =>
      [...held.files.values()].every(({ state, realPath }) =>
        isSameState(state, statAtOnce(realPath))
      ),
  });
  const expiresMs = Date.parse(certificate.validTo);
  return isReplaced ? { tag: "saved", contents, expiresMs } : { tag: "declined" };
}

const nameOf = (path: string, file: ObtainedFile) =>
  path === file.path ? "the file" : `its key file "${path}"`;

const reasonOf = (error: unknown) =>
  error instanceof Deno.errors.NotCapable ? "the program may not write there" : systemReason(error);
