/** Follows a path link by link, to find the real directories where a change of it can be seen. */
import { dirname, join } from "@std/path";
import { type Entry, lstatAtOnce, readLinkAtOnce, stat } from "./files.ts";
import { isMissing, systemReason } from "../../text/system_reason.ts";

export interface LinkChain {
  /** The real directories that hold a link on the way, the end, or the point where it breaks off, and their parents. */
  readonly directories: ReadonlySet<string>;
  /** The real paths in those directories whose change may change where the path leads. */
  readonly entries: ReadonlySet<string>;
  readonly end: ChainEnd;
}

export type ChainEnd =
  | { readonly tag: "found"; readonly realPath: string; readonly info: Entry }
  | { readonly tag: "missing" | "unreadable"; readonly reason: string };

/** Called with each directory and link on the way, from `/` to the end. */
export type OnStep = (path: string, info: Deno.FileInfo) => void;

/**
 * Follows the absolute `path` as the kernel does, including `..` after a link. A network mount that hangs blocks a
 * thread: the kernel walks all of the path there first, and only then is it followed on the main thread, step by step.
 */
export async function followLinks(path: string, onStep?: OnStep): Promise<LinkChain> {
  const walk: Walk = {
    directories: new Set(),
    entries: new Set(),
    here: "/",
    rest: names(path),
    links: 0,
  };
  await stat(path).catch(() => {});
  let info: Deno.FileInfo | null = null;
  let entry = "/";
  try {
    onStep?.("/", lstatAtOnce("/"));
    for (let name = walk.rest.shift(); name !== undefined; name = walk.rest.shift()) {
      entry = join(walk.here, name);
      info = step(walk, entry);
      onStep?.(entry, info);
    }
    return {
      ...walk,
      end: { tag: "found", realPath: walk.here, info: info ?? lstatAtOnce("/") },
    };
  } catch (error) {
    mark(walk, entry);
    return { ...walk, end: brokenEnd(error) };
  }
}

/** The kernel's own limit on links in one path (path_resolution(7)). */
const MOST_LINKS = 40;

interface Walk {
  readonly directories: Set<string>;
  readonly entries: Set<string>;
  /** The real directory reached so far. */
  here: string;
  readonly rest: string[];
  links: number;
}

function step(walk: Walk, entry: string): Deno.FileInfo {
  const info = lstatAtOnce(entry);
  if (info.isSymlink || walk.rest.length === 0) mark(walk, entry);
  if (!info.isSymlink) {
    walk.here = entry;
    return info;
  }
  if (++walk.links > MOST_LINKS) throw new Deno.errors.FilesystemLoop("too many symbolic links");
  const target = readLinkAtOnce(entry);
  if (target.startsWith("/")) walk.here = "/";
  walk.rest.unshift(...names(target));
  return info;
}

/** Marks the parent too: only there can a directory's removal or renaming be seen. */
function mark({ directories, entries, here }: Walk, entry: string): void {
  directories.add(here).add(dirname(here));
  entries.add(entry).add(here);
}

const names = (path: string) => path.split("/").filter((name) => name !== "" && name !== ".");

function brokenEnd(error: unknown): ChainEnd {
  return { tag: isMissing(error) ? "missing" : "unreadable", reason: systemReason(error) };
}
