/**
 * Keeps a set of files in a directory: each content once, under its digest, and a manifest that lists those of the
 * set. So unchanged files are not written again, and a set is either complete or absent. Everything is in a folder of
 * its own that no other user may read or change, which is checked before each use.
 */
import { join } from "@std/path";
import { sha256All } from "../system/files/contents.ts";
import { type Copy, copyAll, type CopyEnd } from "../system/files/copies.ts";
import { list, lstatAll, remove, rename, writePrivateFile } from "../system/files/files.ts";
import { describeForeign, readOwnFile } from "../system/files/ownership.ts";
import { RUNTIME_PARENTS } from "../settings/option_types.ts";
import { systemReason } from "../text/system_reason.ts";
import { type Fingerprint, isTooLarge, isUnreadable, MISSING } from "../watch/scan/fingerprint.ts";
import { type Manifest, manifestText, parseManifest } from "./manifest.ts";
import { OwnFolder } from "./own_folder.ts";

/** The result of copying the contents of a fingerprint. */
export type Gathered =
  | {
    readonly tag: "gathered";
    readonly files: Manifest["files"];
    /** How many contents were not in the store before. */
    readonly added: number;
  }
  /** A content is no longer available. */
  | { readonly tag: "incomplete"; readonly reason: string }
  | NotWritten
  | { readonly tag: "cancelled" };

export interface NotWritten {
  readonly tag: "not_written";
  readonly reason: string;
}

export type Found =
  | { readonly tag: "recorded"; readonly manifest: Manifest }
  | { readonly tag: "none" }
  | { readonly tag: "damaged"; readonly reason: string };

export class Store {
  readonly path: string;
  readonly #folder: OwnFolder;
  readonly #manifest: string;
  /** The digests of contents that this process has written, or read and found intact. */
  #verified: ReadonlySet<string> = new Set();

  constructor(path: string, newFilesIn: readonly string[] = RUNTIME_PARENTS) {
    this.path = path;
    this.#folder = new OwnFolder(path, newFilesIn);
    this.#manifest = join(this.#folder.path, "manifest.json");
  }

  /** Where a set is restored to. */
  get tree(): string {
    return join(this.#folder.path, "tree");
  }

  object(digest: string): string {
    return join(this.#folder.objects, digest);
  }

  /** Copies the contents of `fingerprint` that the store lacks, if the files still hold them. */
  async gather({ files }: Fingerprint, cancel: AbortSignal): Promise<Gathered> {
    const wanted = new Map<string, string>();
    const pathOf = new Map<string, string>();
    for (const [path, { content }] of files) {
      if (isUnreadable(content)) return incomplete(path, "cannot be read by the wrapper");
      if (isTooLarge(content)) return incomplete(path, "is too large");
      if (content === MISSING) continue;
      wanted.set(path, content);
      pathOf.set(content, path);
    }
    try {
      await this.#folder.make();
      const present = await this.#presentOf(pathOf);
      const absent = [...pathOf].filter(([digest]) => !present.has(digest));
      const copies = absent.map(([digest, from]) => ({ from, to: this.object(digest), digest }));
      const ends = await copyAll(copies, cancel);
      if (cancel.aborted) return { tag: "cancelled" };
      const failure = failureOf(copies, ends);
      if (failure !== null) return failure;
      this.#verified = new Set(pathOf.keys());
      return { tag: "gathered", files: wanted, added: copies.length };
    } catch (error) {
      return notWritten(error);
    }
  }

  /** Makes `manifest` the recorded set, and removes everything else. */
  async record(manifest: Manifest): Promise<NotWritten | null> {
    try {
      await this.#folder.check();
      const present = new Set(await list(this.#folder.objects));
      const [lost] = new Set(manifest.files.values()).difference(present);
      if (lost !== undefined) throw new Error(`"${this.object(lost)}" is gone`);
      const bytes = new TextEncoder().encode(manifestText(manifest));
      await writePrivateFile(`${this.#manifest}.part`, bytes);
      await rename(`${this.#manifest}.part`, this.#manifest);
    } catch (error) {
      return notWritten(error);
    }
    await this.sweep();
    await this.removeTree();
    return null;
  }

  /** Removes contents that the recorded set does not list. */
  async sweep(): Promise<void> {
    const found = await this.#readManifest();
    if (found.tag === "damaged") return;
    const named = new Set(found.tag === "recorded" ? found.manifest.files.values() : []);
    for (const name of await list(this.#folder.objects).catch(() => [])) {
      if (!named.has(name)) await remove(this.object(name)).catch(() => {});
    }
  }

  async removeTree(): Promise<void> {
    await remove(this.tree, { recursive: true }).catch(() => {});
  }

  /** The recorded set, with each of its files read and found intact. */
  async read(): Promise<Found> {
    const found = await this.#readManifest();
    if (found.tag !== "recorded") return found;
    const { files } = found.manifest;
    const sound = await this.#verify(new Set(files.values()));
    const lost = [...files].find(([, digest]) => !sound.has(digest));
    if (lost === undefined) return found;
    const reason = `the copy of "${lost[0]}" is missing or not what was recorded`;
    return { tag: "damaged", reason };
  }

  async #readManifest(): Promise<Found> {
    try {
      await this.#folder.check();
    } catch (error) {
      return damaged(error);
    }
    try {
      const bytes = await readOwnFile(this.#manifest, this.#folder.user, MOST_MANIFEST_BYTES);
      const manifest = parseManifest(new TextDecoder().decode(bytes));
      return manifest === null
        ? damaged(`"${this.#manifest}" is not a valid manifest`)
        : { tag: "recorded", manifest };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return { tag: "none" };
      return damaged(`cannot read "${this.#manifest}": ${systemReason(error)}`);
    }
  }

  /** The `wanted` digests that need not be written. Each is verified once in the life of the process. */
  async #presentOf(wanted: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
    const names = new Set(await list(this.#folder.objects));
    const present = new Set([...wanted.keys()].filter((digest) => names.has(digest)));
    const sound = await this.#verify(present.difference(this.#verified));
    return present.intersection(this.#verified).union(sound);
  }

  async #verify(digests: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const all = [...digests];
    const paths = all.map((digest) => this.object(digest));
    const infos = await lstatAll(paths);
    // Only regular files are opened: opening a FIFO would wait for its writer.
    const kind = { kind: "file", user: this.#folder.user } as const;
    const own = all.flatMap((digest, index) => {
      const info = infos[index];
      const isOwn = info && describeForeign(info, kind) === null;
      return isOwn ? [{ digest, path: paths[index]!, size: info.size }] : [];
    });
    const found = await sha256All(own);
    return new Set(found.filter((digest, index) => digest === own[index]!.digest) as string[]);
  }
}

/** Enough for 100,000 files. */
const MOST_MANIFEST_BYTES = 16 * 2 ** 20;

function failureOf(
  copies: readonly Copy[],
  ends: readonly CopyEnd[],
): Exclude<Gathered, { tag: "gathered" | "cancelled" }> | null {
  for (const [index, end] of ends.entries()) {
    const { from } = copies[index]!;
    if (end.tag === "unwritable") return notWritten(end.error);
    if (end.tag === "differs") {
      return incomplete(from, "no longer holds what was loaded");
    }
    if (end.tag === "unreadable") {
      return incomplete(from, `cannot be read: ${systemReason(end.error)}`);
    }
  }
  return null;
}

const incomplete = (path: string, reason: string) =>
  ({ tag: "incomplete", reason: `"${path}" ${reason}` }) as const;

const damaged = (error: unknown) => ({ tag: "damaged", reason: systemReason(error) }) as const;

const notWritten = (error: unknown) =>
  ({ tag: "not_written", reason: systemReason(error) }) as const;
