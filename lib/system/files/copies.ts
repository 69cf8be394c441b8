/** Copies files by their digests: a copy has the right content or does not exist. */
import { copyInPortions } from "./contents.ts";
import { ignoreMissing, PRIVATE, remove, rename, stat } from "./files.ts";

export interface Copy {
  readonly from: string;
  /** First written as `….part`, so it is complete or absent. */
  readonly to: string;
  /** The SHA-256 of the wanted content, in hexadecimal digits. */
  readonly digest: string;
}

/** `differs`: the file does not hold the wanted content, and nothing was written. */
export type CopyEnd =
  | { readonly tag: "copied" | "differs" }
  | { readonly tag: "unreadable" | "unwritable"; readonly error: unknown };

/**
 * Copies files in order, until one cannot be written or `cancel` aborts. No other user may read the copies. If there
 * are many files, most are copied on the main thread, in portions of a few milliseconds.
 */
export async function copyAll(copies: readonly Copy[], cancel?: AbortSignal): Promise<CopyEnd[]> {
  const { createHash } = await import("node:crypto");
  const ends: CopyEnd[] = [];
  let startedMs = -Infinity;
  for (const copy of copies) {
    if (cancel?.aborted) break;
    const isFirst = performance.now() - startedMs > PORTION_MS;
    ends.push((isFirst ? null : copyAtOnce(copy, createHash)) ?? await copyOnThread(copy));
    if (ends.at(-1)!.tag === "unwritable") break;
    if (isFirst) startedMs = performance.now();
  }
  return ends;
}

/** The largest file that is copied in one go. */
const PORTION_BYTES = 500_000;
/** Writing takes longer than an lstat, on some volumes much longer. */
const PORTION_MS = 2;

async function copyOnThread({ from, to, digest }: Copy): Promise<CopyEnd> {
  const part = `${to}.part`;
  try {
    // Opening a FIFO would wait for its writer.
    if (!(await stat(from)).isFile) throw new Deno.errors.NotSupported("not a regular file");
  } catch (error) {
    return { tag: "unreadable", error };
  }
  try {
    await remove(part).catch(ignoreMissing);
    const found = await copyInPortions(from, part);
    if (found !== digest) await remove(part);
    if (typeof found !== "string") return { tag: "unreadable", error: found };
    if (found !== digest) return { tag: "differs" };
    await rename(part, to);
    return { tag: "copied" };
  } catch (error) {
    return { tag: "unwritable", error };
  }
}

/** `null` if a thread must do it: the file is large, or something is wrong, such as a leftover `.part`. */
function copyAtOnce({ from, to, digest }: Copy, createHash: CreateHash): CopyEnd | null {
  try {
    const { isFile, size } = Deno.statSync(from);
    if (!isFile || size > PORTION_BYTES) return null;
    const bytes = Deno.readFileSync(from);
    if (createHash("sha256").update(bytes).digest("hex") !== digest) return { tag: "differs" };
    Deno.writeFileSync(`${to}.part`, bytes, PRIVATE);
    Deno.renameSync(`${to}.part`, to);
    return { tag: "copied" };
  } catch {
    return null;
  }
}

type CreateHash = typeof import("node:crypto").createHash;
