/** Compares the names in certificates: of two with one name HAProxy serves the one that it has loaded first. */
import type { X509Certificate } from "node:crypto";
import { readFile, sha256 } from "../../system/files/contents.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import { isCertificate, pemBlocks, readCertificate } from "./pem.ts";
import { MOST_HOT_BYTES } from "./target_kind.ts";

/** Why `certificate` cannot be served beside those at `paths`, as a clause; `null` if no name is in both. */
export async function namesake(
  certificate: X509Certificate,
  paths: readonly string[],
  files: Fingerprint["files"],
): Promise<string | null> {
  const own = namesIn(certificate);
  if (own === null) return "its names cannot be read";
  const all = await readAllNames(paths, files);
  if (typeof all === "string") return all;
  for (const [path, names] of all) {
    const shared = names.find((name) => own.includes(name));
    if (shared !== undefined) return `"${path}" is for "${shared}" as well`;
  }
  return null;
}

/** The names in the certificates at `paths`, without files that go by the same change; or why not, as a clause. */
export async function readAllNames(
  paths: readonly string[],
  files: Fingerprint["files"],
): Promise<ReadonlyMap<string, readonly string[]> | string> {
  const before = known;
  const next = known = new Map<string, readonly string[]>();
  const all = new Map<string, readonly string[]>();
  for (const path of paths) {
    const digest = files.get(path)?.content;
    if (digest === undefined) continue;
    const names = before.get(digest) ?? await readNames(path, digest);
    if (names === null) return `the names in "${path}" cannot be read`;
    next.set(digest, names);
    all.set(path, names);
  }
  return all;
}

/** By the digest of the file: all are read when the first newcomer comes. */
let known: ReadonlyMap<string, readonly string[]> = new Map();

async function readNames(path: string, digest: string): Promise<readonly string[] | null> {
  const bytes = await readFile(path, MOST_HOT_BYTES).catch(() => null);
  if (bytes === null || await sha256(bytes) !== digest) return null;
  const first = pemBlocks(new TextDecoder().decode(bytes)).find(isCertificate);
  const certificate = first === undefined ? null : await readCertificate(first);
  return certificate === null ? null : namesIn(certificate);
}

/** HAProxy takes its common names as well; `null` where one is written in an unusual way. */
export function namesIn(
  { subject = "", subjectAltName = "" }: Partial<
    Pick<X509Certificate, "subject" | "subjectAltName">
  >,
): readonly string[] | null {
  if (/["\\]/.test(`${subject}${subjectAltName}`)) return null;
  const alternatives = [...subjectAltName.matchAll(/DNS:([^,\s]+)/g)];
  const common = [...subject.matchAll(/^CN=(.+)$/gm)];
  return [...alternatives, ...common].map(([, name]) => name!.toLowerCase());
}
