/** Lays the recorded set out as a tree of files, whose configuration names the copies instead of the originals. */
import { dirname } from "@std/path";
import { parseEnvFile } from "../config/env_file.ts";
import type { FileRole } from "../config/file_keywords.ts";
import type { ConfigurationFile } from "../config/file_references.ts";
import { readNeeds } from "../config/needs.ts";
import { bundleOf } from "../config/side_files.ts";
import { type Environment, MOST_TEXT_BYTES } from "../config/tokens.ts";
import type { Origin } from "../haproxy/handoff/preparation.ts";
import type { HaproxyArguments } from "../settings/haproxy_arguments.ts";
import { readFile, sha256 } from "../system/files/contents.ts";
import { copyAll, type CopyEnd } from "../system/files/copies.ts";
import { mkdir, writePrivateFile } from "../system/files/files.ts";
import { atOnce } from "../system/threads.ts";
import { systemReason } from "../text/system_reason.ts";
import type { LastGood, Manifest } from "./manifest.ts";
import { type CopyOf, rewriteCertificateList, rewriteConfigurations } from "./rewrite.ts";
import { rewriteArguments } from "./rewrite_arguments.ts";
import type { Store } from "./store.ts";

export interface RestoreOptions {
  readonly haproxy: HaproxyArguments;
  /** Absolute. */
  readonly envFile: string | null;
  /** Where relative names start now. */
  readonly directory: string;
  /** The variables that HAProxy inherits. */
  readonly environment: Environment;
}

/** What a start from the recorded set loads. */
export interface RestoredSet extends Origin {
  readonly lastGood: LastGood;
}

export type Restored =
  | { readonly tag: "restored"; readonly set: RestoredSet }
  /** Nothing has been recorded yet. */
  | { readonly tag: "none" }
  | { readonly tag: "unusable"; readonly reason: string };

/** Reads the set, checks each of its files, and writes a fresh tree. */
export async function restore(store: Store, options: RestoreOptions): Promise<Restored> {
  const found = await store.read();
  if (found.tag === "none") return found;
  if (found.tag === "damaged") return unusable(found.reason);
  try {
    return await layOut(store, found.manifest, options);
  } catch (error) {
    return unusable(`cannot lay it out in "${store.tree}": ${systemReason(error)}`);
  }
}

const unusable = (reason: string): Restored => ({ tag: "unusable", reason });

async function layOut(
  store: Store,
  manifest: Manifest,
  { haproxy, envFile, directory, environment }: RestoreOptions,
): Promise<Restored> {
  const { files, recordedMs } = manifest;
  const copyAt = (path: string) => store.tree + path;
  const rewritten = rewriteArguments(haproxy, { directory, files, copyAt });
  const missingEnvFile = envFile === null || files.has(envFile) ? [] : [envFile];
  const [missing] = [...rewritten.missing, ...missingEnvFile];
  if (missing !== undefined) return unusable(`"${missing}" is not among the recorded files`);

  const read = (path: string) => readText(store, path, files.get(path)!);
  const added = envFile === null ? {} : variablesOf((await read(envFile)).text);
  const variables = { ...environment, ...added };
  const configurations = await Promise.all(rewritten.files.map(read));
  const needs = atOnce(readNeeds(configurations, variables));
  const texts = await rewriteAll(configurations, manifest, { read, variables, copyAt });
  const failure = await writeTree(store, files, texts);
  if (failure !== null) return unusable(failure);
  const set = {
    lastGood: { directory: store.path, recordedMs },
    haproxy: rewritten.arguments,
    envFile: envFile === null ? null : copyAt(envFile),
    needs: () => needs,
  };
  return { tag: "restored", set };
}

/** The contents in the tree of all files that name others. */
async function rewriteAll(
  configurations: readonly Text[],
  { files, directory: workingDirectory }: Manifest,
  { read, variables: environment, copyAt }: {
    readonly read: (path: string) => Promise<Text>;
    readonly variables: Environment;
    readonly copyAt: (path: string) => string;
  },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const copyOf = copyIn(files, copyAt);
  const options = { workingDirectory, environment, copyOf };
  const { texts, lists } = rewriteConfigurations(configurations, options);
  const listed = [...lists.keys()].filter((path) => files.has(path) && !texts.has(path));
  const written = new Map<string, Uint8Array>();
  for (const file of configurations) written.set(file.path, file.encode(texts.get(file.path)!));
  for (const list of await Promise.all(listed.map(read))) {
    const bases = lists.get(list.path)!;
    written.set(list.path, list.encode(rewriteCertificateList(list, { bases, copyOf })));
  }
  return written;
}

/** Returns why it failed; `null` if it did not. */
async function writeTree(
  store: Store,
  files: Manifest["files"],
  texts: ReadonlyMap<string, Uint8Array>,
): Promise<string | null> {
  const { tree } = store;
  await store.removeTree();
  const directories = new Set([...files.keys()].map((path) => dirname(tree + path)));
  for (const path of directories) await mkdir(path, { recursive: true, mode: 0o700 });
  for (const [path, bytes] of texts) await writePrivateFile(tree + path, bytes);
  const others = [...files].filter(([path]) => !texts.has(path));
  return describeFailure(
    await copyAll(
      others.map(([path, digest]) => ({ from: store.object(digest), to: tree + path, digest })),
    ),
  );
}

function describeFailure(ends: readonly CopyEnd[]): string | null {
  const failed = ends.find(({ tag }) => tag !== "copied");
  if (failed === undefined) return null;
  return "error" in failed ? systemReason(failed.error) : "a copy changed while it was read";
}

function variablesOf(text: string): Environment {
  const file = parseEnvFile(text);
  return file.tag === "read" ? file.variables : {};
}

/** A directory has a copy if a file in it has one; a certificate also if a file of its bundle has one. */
function copyIn(files: Manifest["files"], copyAt: (path: string) => string): CopyOf {
  const directories = new Set([...files.keys()].map((path) => dirname(path)));
  const isBundle = (path: string) => bundleOf(path).some((member) => files.has(member));
  return (path: string, role: FileRole) => {
    const isThere = files.has(path) || directories.has(path) ||
      (role === "certificate" && isBundle(path));
    return isThere ? copyAt(path) : null;
  };
}

interface Text extends ConfigurationFile {
  readonly encode: (text: string) => Uint8Array;
}

/** Reads any encoding: bytes that are not rewritten are kept. @throws if the file is not what was recorded. */
async function readText(store: Store, path: string, digest: string): Promise<Text> {
  const bytes = await readFile(store.object(digest), MOST_TEXT_BYTES);
  if (await sha256(bytes) !== digest) throw new Error(`the copy of "${path}" has changed`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { path, text, encode: (text) => new TextEncoder().encode(text) };
  } catch {
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return { path, text, encode: (text) => Uint8Array.from(text, (char) => char.charCodeAt(0)) };
  }
}
