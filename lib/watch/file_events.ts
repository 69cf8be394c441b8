/** Watches real directories with `Deno.watchFs`, its only user, and yields hints; re-arms itself. */
import type { Log } from "../log.ts";

/**
 * Something may have changed at the real path. While somebody `writing` has not closed the file, what
 * it holds may be half of what it will. `lost`: events were dropped, so anything may have changed.
 */
export type Hint =
  | { readonly tag: "writing" | "settled"; readonly path: string }
  | { readonly tag: "lost" };

export interface FileEvents {
  /** Watches just these directories from now on; `true` if they are others than before. */
  watch(directories: ReadonlySet<string>): Promise<boolean>;
  close(): Promise<void>;
}

export interface FileEventsOptions {
  /** Asked for each real path; only of those that are relevant there are hints. */
  readonly isRelevant: (path: string) => boolean;
  readonly onHint: (hint: Hint) => void;
  readonly log: Log;
}

/** Makes file events that watch nothing yet. */
export function createFileEvents(options: FileEventsOptions): FileEvents {
  let armed: Armed | null = null;
  let lastFailure: string | null = null;

  async function watch(directories: ReadonlySet<string>): Promise<boolean> {
    const key = await identityOf(directories);
    if (armed?.key === key && !armed.isStale()) return false;
    await close();
    const outcome = arm(directories, key, options);
    if (outcome.tag === "armed") armed = outcome;
    if (outcome.tag === "failed" && outcome.reason !== lastFailure) {
      options.log(failureEntry(outcome.reason));
    }
    lastFailure = outcome.tag === "failed" ? outcome.reason : null;
    return outcome.tag !== "failed";
  }

  /** Deno 2.9 loses the events of a watcher that is opened while the one before it is still closing. */
  async function close(): Promise<void> {
    const previous = armed;
    armed = null;
    await previous?.close();
  }

  return { watch, close };
}

interface Armed {
  readonly tag: "armed";
  readonly key: string;
  /** Whether a directory was removed: made again at once it may have the same inode, but no watch. */
  isStale(): boolean;
  close(): Promise<void>;
}

async function identityOf(directories: ReadonlySet<string>): Promise<string> {
  const identities = [...directories].sort().map(async (path) => {
    const info = await Deno.stat(path).catch(() => null);
    return `${path}\0${info?.dev}\0${info?.ino}`;
  });
  return (await Promise.all(identities)).join("\n");
}

/** `gone`: a directory was removed since the look that found it, so another look is due. */
function arm(
  directories: ReadonlySet<string>,
  key: string,
  options: FileEventsOptions,
): Armed | { readonly tag: "failed"; readonly reason: string } | { readonly tag: "gone" } {
  try {
    const watcher = Deno.watchFs([...directories], { recursive: false });
    let stale = false;
    const ended = pass(watcher, {
      ...options,
      onRemoved: (path) => stale ||= directories.has(path),
    });
    const close = () => {
      watcher.close();
      return ended;
    };
    return { tag: "armed", key, close, isStale: () => stale };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { tag: "gone" };
    return { tag: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

async function pass(
  watcher: Deno.FsWatcher,
  { isRelevant, onHint, onRemoved }: FileEventsOptions & { onRemoved: (path: string) => void },
): Promise<void> {
  for await (const event of watcher) {
    if (event.flag === "rescan") onHint({ tag: "lost" });
    for (const path of event.paths.filter(isRelevant)) {
      if (event.kind === "remove" || event.kind === "rename") onRemoved(path);
      onHint({ tag: await meaningOf(event.kind, path), path });
    }
  }
}

/** Deno's `access` is the close after a write; plain reading gives no event. */
async function meaningOf(kind: Deno.FsEvent["kind"], path: string): Promise<"writing" | "settled"> {
  if (kind === "modify") return "writing";
  if (kind !== "create") return "settled";
  const info = await Deno.lstat(path).catch(() => null);
  return info?.isFile ? "writing" : "settled";
}

function failureEntry(reason: string) {
  const limit = /too many open files/i.test(reason)
    ? 'the limit "fs.inotify.max_user_instances" (or that of open files) is reached'
    : /limit|no space/i.test(reason)
    ? 'the limit "fs.inotify.max_user_watches" is reached'
    : "see the reason";
  return {
    level: "warning",
    text:
      `cannot watch for file events: found "${reason}", ${limit}; changes are found by the poll alone`,
    fields: { reason },
  } as const;
}
