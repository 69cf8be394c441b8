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
  let armed: { readonly key: string; readonly close: () => Promise<void> } | null = null;
  let lastFailure: string | null = null;

  async function watch(directories: ReadonlySet<string>): Promise<boolean> {
    const key = await identityOf(directories);
    if (armed?.key === key) return false;
    await close();
    const outcome = arm(directories, options);
    if ("close" in outcome) armed = { key, close: outcome.close };
    else if (outcome.reason !== lastFailure) options.log(failureEntry(outcome.reason));
    lastFailure = "close" in outcome ? null : outcome.reason;
    return "close" in outcome;
  }

  /** Deno 2.9 loses the events of a watcher that is opened while the one before it is still closing. */
  async function close(): Promise<void> {
    const previous = armed;
    armed = null;
    await previous?.close();
  }

  return { watch, close };
}

/** A directory that was removed and made again has another inode, and the old watch is dead. */
async function identityOf(directories: ReadonlySet<string>): Promise<string> {
  const identities = [...directories].sort().map(async (path) => {
    const info = await Deno.stat(path).catch(() => null);
    return `${path}\0${info?.dev}\0${info?.ino}`;
  });
  return (await Promise.all(identities)).join("\n");
}

function arm(
  directories: ReadonlySet<string>,
  options: FileEventsOptions,
): { readonly close: () => Promise<void> } | { readonly reason: string } {
  try {
    const watcher = Deno.watchFs([...directories], { recursive: false });
    const ended = pass(watcher, options);
    const close = () => {
      watcher.close();
      return ended;
    };
    return { close };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

async function pass(
  watcher: Deno.FsWatcher,
  { isRelevant, onHint }: FileEventsOptions,
): Promise<void> {
  for await (const event of watcher) {
    if (event.flag === "rescan") onHint({ tag: "lost" });
    for (const path of event.paths.filter(isRelevant)) {
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
