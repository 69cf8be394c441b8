/** Watches real paths with `Deno.watchFs`, its only user, and yields hints; re-arms itself. */
import { remove, stat, tryToOpen, writeTextFile } from "../../system/files.ts";
import type { Log, LogEntry } from "../../system/log.ts";
import { systemReason } from "../../text/system_reason.ts";
import { type Hint, passEvents } from "./event_passing.ts";
import { createLossReport, type LossReport } from "./lost_events.ts";

export type { Hint } from "./event_passing.ts";

export interface FileEvents {
  /**
   * Watches just these real paths from now on: directories, and files that nobody can replace because
   * they are mounted by themselves. `true` if they are others than before.
   */
  watch(paths: ReadonlySet<string>): Promise<boolean>;
  close(): Promise<void>;
}

export interface FileEventsOptions {
  /** Asked for each real path; only of those that are relevant there are hints. */
  readonly isRelevant: (path: string) => boolean;
  readonly onHint: (hint: Hint) => void;
  /** Told what is thrown while an event is passed on; the next one is passed on all the same. */
  readonly onBug: (error: unknown) => void;
  /** A directory of the program's own, watched only to see whether events still come; `null`: there is none now. */
  readonly probeDirectory: () => string | null;
  readonly log: Log;
}

/** Makes file events that watch nothing yet. */
export function createFileEvents(options: FileEventsOptions): FileEvents {
  const loss = createLossReport({
    log: options.log,
    onLoss: () => options.onHint({ tag: "lost" }),
  });
  let armed: Armed | null = null;
  let lastFailure: string | null = null;
  let lastGone: string | null = null;
  let isDead = false;

  async function watch(paths: ReadonlySet<string>): Promise<boolean> {
    const key = await identityOf(paths);
    if (isDead || (armed?.key === key && !armed.isStale())) return false;
    if (armed !== null && !await armed.isAlive()) {
      isDead = true;
      options.log(DEAD_ENTRY);
      return false;
    }
    await disarm();
    const { watchable, reason } = await splitWatchable(paths);
    const outcome = arm(watchable, key, { ...options, loss });
    const failure = outcome.tag === "failed" ? outcome.reason : reason;
    if (failure !== null && failure !== lastFailure) options.log(failureEntry(failure));
    lastFailure = failure;
    // Another look is due at once, but not for ever.
    const isNews = outcome.tag === "armed" || (outcome.tag === "gone" && key !== lastGone);
    lastGone = outcome.tag === "gone" ? key : null;
    if (outcome.tag === "armed") armed = outcome;
    return isNews;
  }

  /** Deno 2.9 loses the events of a watcher that is opened while the one before it is still closing. */
  async function disarm(): Promise<void> {
    const previous = armed;
    armed = null;
    await previous?.close();
  }

  async function close(): Promise<void> {
    loss.close();
    await disarm();
  }

  return { watch, close };
}

interface Armed {
  readonly tag: "armed";
  readonly key: string;
  /** Whether a directory was removed: made again at once it may have the same inode, but no watch. */
  isStale(): boolean;
  /** Whether events still come. */
  isAlive(): Promise<boolean>;
  close(): Promise<void>;
}

async function identityOf(paths: ReadonlySet<string>): Promise<string> {
  const identities = [...paths].sort().map(async (path) => {
    const info = await stat(path).catch(() => null);
    return `${path}\0${info?.dev}\0${info?.ino}`;
  });
  return (await Promise.all(identities)).join("\n");
}

/** One path that may not be read would make `Deno.watchFs` refuse all of them. */
async function splitWatchable(
  watched: ReadonlySet<string>,
): Promise<{ readonly watchable: ReadonlySet<string>; readonly reason: string | null }> {
  const paths = [...watched];
  const denials = await Promise.all(paths.map(denialOf));
  const others = paths.flatMap((path, index) =>
    denials[index] ? [`"${path}": ${denials[index]}`] : []
  );
  return {
    watchable: new Set(paths.filter((_, index) => denials[index] === null)),
    reason: others.length === 0 ? null : `cannot watch ${others.join(", ")}`,
  };
}

async function denialOf(path: string): Promise<string | null> {
  try {
    await tryToOpen(path);
    return null;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied ? systemReason(error) : null;
  }
}

/** `gone`: a path was removed since the look that found it, so another look is due. */
function arm(
  watched: ReadonlySet<string>,
  key: string,
  options: FileEventsOptions & { readonly loss: LossReport },
): Armed | { readonly tag: "failed"; readonly reason: string } | { readonly tag: "gone" } {
  try {
    const probe = createProbe(options.probeDirectory);
    const paths = [...watched, ...probe.directories];
    const watcher = Deno.watchFs(paths, { recursive: false });
    let stale = false;
    const ended = passEvents(watcher, {
      ...options,
      onEvent: probe.onEvent,
      onRemoved: (path) => stale ||= watched.has(path),
    });
    const close = () => {
      watcher.close();
      return ended;
    };
    return { tag: "armed", key, close, isStale: () => stale, isAlive: probe.isAlive };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { tag: "gone" };
    return { tag: "failed", reason: describeFailure(error) };
  }
}

/** How long an event may take; it is there within a millisecond on an idle machine. */
const PROBE_MS = 1_000;

/**
 * Where somebody makes a FIFO in a watched directory, Deno's thread for events opens it and hangs, and
 * closing the watch would hang the whole program (seen on 2.6 and 2.9). So first of all a file of its
 * own has to give an event.
 */
function createProbe(find: () => string | null) {
  const directory = find();
  const path = `${directory}/probe`;
  let answer: (isAlive: boolean) => void = () => {};
  // Once it was removed its events say nothing, even if it is made again.
  let isWatched = directory !== null && isThere(directory);
  return {
    directories: directory !== null && isWatched ? [directory] : [],
    onEvent({ kind, paths }: Deno.FsEvent) {
      if (paths.includes(path)) answer(true);
      if (kind === "remove" && paths.includes(directory!)) isWatched = false;
    },
    async isAlive(): Promise<boolean> {
      // In another's place a file could be written through a link.
      if (!isWatched || find() !== directory) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      answer = resolve;
      const timer = setTimeout(() => resolve(false), PROBE_MS);
      await writeTextFile(path, "").catch(() => resolve(true));
      const isAlive = await promise;
      clearTimeout(timer);
      await remove(path).catch(() => {});
      return isAlive;
    },
  };
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

const DEAD_ENTRY: LogEntry = {
  level: "warning",
  text: "file events have stopped, perhaps for a FIFO in a watched directory, which hangs Deno; " +
    "from now on only the poll finds changes (--poll-interval)",
  fields: { reason: "no event came for the wrapper's own probe" },
};

/** What cannot be watched, and what that means. */
function failureEntry(failure: string): LogEntry {
  const text = `${failure}; what changes there is found by the poll alone (--poll-interval)`;
  return { level: "warning", text, fields: { reason: failure } };
}

/** Names the limit that is in the way: those of inotify(7) come as errors without a class of their own. */
function describeFailure(error: unknown): string {
  const reason = systemReason(error);
  const limit = /too many open files/i.test(reason)
    ? ', the limit "fs.inotify.max_user_instances" (or that of open files) is reached'
    : /limit|no space/i.test(reason)
    ? ', the limit "fs.inotify.max_user_watches" is reached'
    : "";
  return `cannot watch for file events: found "${reason}"${limit}`;
}
