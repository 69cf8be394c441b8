/** Lays the kept set out as a tree of files, whose configuration names the copies in place of the originals. */
import { dirname } from "@std/path";
import { readFile, sha256 } from "../system/contents.ts";
import { copyAll, type CopyEnd } from "../system/copies.ts";
import { mkdir, writePrivateFile } from "../system/files.ts";
import type { HaproxyArguments } from "../settings/haproxy_arguments.ts";
import { parseEnvFile } from "../config/env_file.ts";
import { type Environment, MOST_TEXT_BYTES } from "../config/tokens.ts";
import type { Bases } from "../config/base_directories.ts";
import type { FileRole } from "../config/file_keywords.ts";
import { type Needs, readNeeds } from "../config/needs.ts";
import { bundleOf } from "../config/side_files.ts";
import { atOnce } from "../system/threads.ts";
import { systemReason } from "../text/system_reason.ts";
import type { LastGood, Manifest } from "./manifest.ts";
import { replaceArguments } from "./rewritten_arguments.ts";
import { type CopyOf, rewriteCertificateList, rewriteConfigurations } from "./rewrite.ts";
import type { Store } from "./store.ts";

export interface RestoringOptions {
  readonly haproxy: HaproxyArguments;
  /** Absolute. */
  readonly envFile: string | null;
  /** Where relative names start now. */
  readonly directory: string;
  /** The variables that HAProxy inherits. */
  readonly environment: Environment;
}

export type Restored =
  | {
    readonly tag: "restored";
    readonly lastGood: LastGood;
    readonly haproxy: HaproxyArguments;
    readonly envFile: string | null;
    readonly needs: () => Needs;
  }
  /** Nothing has been kept yet. */
  | { readonly tag: "none" }
  | { readonly tag: "unusable"; readonly reason: string };

/** Reads the set, checks every file of it, and writes the tree anew. */
export async function restore(store: Store, options: RestoringOptions): Promise<Restored> {
  const kept = await store.read();
  if (kept.tag === "none") return kept;
  if (kept.tag === "damaged") return unusable(kept.reason);
  try {
    return await layOut(store, kept.manifest, options);
  } catch (error) {
    return unusable(`cannot lay it out in "${store.tree}": ${systemReason(error)}`);
  }
}

const unusable = (reason: string): Restored => ({ tag: "unusable", reason });

async function layOut(
  store: Store,
  manifest: Manifest,
  { haproxy, envFile, directory, environment }: RestoringOptions,
): Promise<Restored> {
  const { files, keptMs } = manifest;
  const copyAt = (path: string) => store.tree + path;
  const replaced = replaceArguments(haproxy, { directory, kept: new Set(files.keys()), copyAt });
  const others = envFile === null || files.has(envFile) ? [] : [envFile];
  const [missing] = [...replaced.missing, ...others];
  if (missing !== undefined) return unusable(`"${missing}" is not among the files that are kept`);

  await store.removeTree();
  const directories = new Set([...files.keys()].map((path) => dirname(copyAt(path))));
  for (const path of directories) await mkdir(path, { recursive: true, mode: 0o700 });
  const texts = new Texts(store, files);
  const variables = envFile === null ? {} : variablesOf(await texts.read(envFile));
  const configurations = await Promise.all(
    replaced.files.map(async (path) => ({ path, text: await texts.read(path) })),
  );
  const copyOf = copyIn(files, copyAt);
  const allVariables = { ...environment, ...variables };
  const needs = atOnce(readNeeds(configurations, allVariables));
  const rewritten = rewriteConfigurations(configurations, {
    workingDirectory: manifest.directory,
    environment: allVariables,
    copyOf,
  });
  const lists = await rewriteLists(rewritten.lists, { files, texts, copyOf });
  const written = new Map([...lists, ...rewritten.texts]);
  for (const [path, text] of written) {
    await writePrivateFile(copyAt(path), texts.encode(path, text));
  }
  const plain = [...files].filter(([path]) => !written.has(path))
    .map(([path, digest]) => ({ from: store.object(digest), to: copyAt(path), digest }));
  const failure = describeFailure(await copyAll(plain));
  if (failure !== null) return unusable(failure);
  return {
    tag: "restored",
    lastGood: { directory: store.path, keptMs },
    haproxy: replaced.arguments,
    envFile: envFile === null ? null : copyAt(envFile),
    needs: () => needs,
  };
}

function describeFailure(ends: readonly CopyEnd[]): string | null {
  const failed = ends.find(({ tag }) => tag !== "copied");
  if (failed === undefined) return null;
  return "error" in failed ? systemReason(failed.error) : "a copy has changed while it was read";
}

async function rewriteLists(
  lists: ReadonlyMap<string, Bases>,
  { files, texts, copyOf }: {
    readonly files: Manifest["files"];
    readonly texts: Texts;
    readonly copyOf: CopyOf;
  },
): Promise<ReadonlyMap<string, string>> {
  const written = new Map<string, string>();
  for (const [path, bases] of lists) {
    if (!files.has(path)) continue;
    const list = { path, text: await texts.read(path) };
    written.set(path, rewriteCertificateList(list, { bases, copyOf }));
  }
  return written;
}

function variablesOf(text: string): Environment {
  const file = parseEnvFile(text);
  return file.tag === "read" ? file.variables : {};
}

/** A directory has a copy if a file in it has, and so has a certificate of which only the bundle is there. */
function copyIn(files: Manifest["files"], copyAt: (path: string) => string): CopyOf {
  const directories = new Set([...files.keys()].map((path) => dirname(path)));
  const isBundle = (path: string) => bundleOf(path).some((one) => files.has(one));
  return (path: string, role: FileRole) => {
    const isThere = files.has(path) || directories.has(path) ||
      (role === "certificate" && isBundle(path));
    return isThere ? copyAt(path) : null;
  };
}

/** Reads texts of whatever encoding, so that each byte that is not rewritten stays. */
class Texts {
  readonly #store: Store;
  readonly #files: Manifest["files"];
  readonly #latin = new Set<string>();

  constructor(store: Store, files: Manifest["files"]) {
    this.#store = store;
    this.#files = files;
  }

  /** @throws if it is not any more what was kept. */
  async read(path: string): Promise<string> {
    const digest = this.#files.get(path)!;
    const bytes = await readFile(this.#store.object(digest), MOST_TEXT_BYTES);
    if (await sha256(bytes) !== digest) throw new Error(`the copy of "${path}" has changed`);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      this.#latin.add(path);
      return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    }
  }

  encode(path: string, text: string): Uint8Array {
    return this.#latin.has(path)
      ? Uint8Array.from(text, (character) => character.charCodeAt(0))
      : new TextEncoder().encode(text);
  }
}
