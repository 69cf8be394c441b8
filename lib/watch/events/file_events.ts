/** Watches real paths with `Deno.watchFs`, as its only user, and gives hints. */
import {
  remove,
  statAgain,
  statAtOnce,
  tryToOpen,
  writeTextFile,
} from "../../system/files/files.ts";
import type { Log, LogEntry } from "../../system/log.ts";
import { systemReason } from "../../text/system_reason.ts";
import { type Hint, passEvents } from "./event_passing.ts";
import { createLossReport, type LossReport } from "./lost_events.ts";

export type { Hint } from "./event_passing.ts";

export interface FileEvents {
  /**
   * Watches exactly these real paths from now on: directories, and files that cannot be replaced because they
   * are mounted individually. `true`: the watched paths have changed, so a scan is due.
   */
  watch(paths: ReadonlySet<string>): Promise<boolean>;
  close(): Promise<void>;
}

export interface FileEventsOptions {
  /** Whether an event at that real path gives a hint. */
  readonly isRelevant: (path: string) => boolean;
  readonly onHint: (hint: Hint) => void;
  /** Called with what an event makes throw; the next event is passed on all the same. */
  readonly onBug: (error: unknown) => void;
  /** One of our own directories, watched only to check that events still come; `null`: none now. */
  readonly probeDirectory: () => string | null;
  readonly log: Log;
}

/** At first nothing is watched. */
export function createFileEvents(options: FileEventsOptions): FileEvents {
  const { log } = options;
  const loss = createLossReport({ log, onLoss: () => options.onHint({ tag: "lost" }) });
  let armed: Armed | null = null;
  let lastFailure: string | null = null;
  let lastGone: string | null = null;
  let isDead = false;

  async function watch(paths: ReadonlySet<string>): Promise<boolean> {
    const key = await identityOf(paths);
    if (isDead || (armed?.key === key && !armed.isStale())) return false;
    if (armed !== null && !await armed.isAlive()) {
      isDead = true;
      log(DEAD_ENTRY);
      return false;
    }
    await disarm();
    const { watchable, reason } = await splitWatchable(paths);
    const outcome = arm(watchable, key, { ...options, loss });
    const failure = outcome.tag === "failed" ? outcome.reason : reason;
    if (failure !== null && failure !== lastFailure) log(failureEntry(failure));
    lastFailure = failure;
    // A path that is gone makes another scan due at once, but not forever.
    const isDue = outcome.tag === "armed" || (outcome.tag === "gone" && key !== lastGone);
    lastGone = outcome.tag === "gone" ? key : null;
    if (outcome.tag === "armed") armed = outcome;
    return isDue;
  }

  /** Deno 2.9 loses the events of a watcher that is opened while the previous one is still closing. */
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

/** Differs if a path leads to another directory than before. */
async function identityOf(paths: ReadonlySet<string>): Promise<string> {
  const identities: string[] = [];
  for (const path of [...paths].sort()) {
    const info = await statAgain(path);
    identities.push(`${path}\0${info?.dev}\0${info?.ino}`);
  }
  return identities.join("\n");
}

/** One unreadable path would make `Deno.watchFs` refuse all of them. */
async function splitWatchable(
  watched: ReadonlySet<string>,
): Promise<{ readonly watchable: ReadonlySet<string>; readonly reason: string | null }> {
  const watchable = new Set(watched);
  const denials = await Promise.all([...watched].map(async (path) => {
    const denial = await tryToOpen(path).catch((error) => error);
    if (!(denial instanceof Deno.errors.PermissionDenied)) return [];
    watchable.delete(path);
    return [`"${path}": ${systemReason(denial)}`];
  }));
  const list = denials.flat().join(", ");
  return { watchable, reason: list === "" ? null : `cannot watch ${list}` };
}

interface Armed {
  readonly tag: "armed";
  readonly key: string;
  /** Whether a directory was removed: if made again, it may have the same inode, but no watch. */
  isStale(): boolean;
  isAlive(): Promise<boolean>;
  close(): Promise<void>;
}

/** `gone`: a path has been removed since the scan that found it. */
function arm(
  watched: ReadonlySet<string>,
  key: string,
  options: FileEventsOptions & { readonly loss: LossReport },
): Armed | { readonly tag: "failed"; readonly reason: string } | { readonly tag: "gone" } {
  try {
    const probe = createProbe(options.probeDirectory);
    const watcher = Deno.watchFs([...watched, ...probe.directories], { recursive: false });
    let stale = false;
    const onEvent = (event: Deno.FsEvent) => {
      probe.onEvent(event);
      const isRemoval = event.kind === "remove" || event.kind === "rename";
      stale ||= isRemoval && event.paths.some((path) => watched.has(path));
    };
    const ended = passEvents(watcher, { ...options, onEvent });
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

/** How long an event may take; on an idle machine it comes within a millisecond. */
const PROBE_MS = 1_000;

/**
 * Triggers an event of its own to check that events still come: a FIFO in a watched directory hangs Deno's event
 * thread, and then closing the watch would hang the whole program (2.6 and 2.9).
 */
function createProbe(find: () => string | null) {
  const directory = find();
  const path = `${directory}/probe`;
  let answer: (isAlive: boolean) => void = () => {};
  // Once the directory has been removed, its events mean nothing, even if it is made again.
  let isWatched = directory !== null && statAtOnce(directory)?.isDirectory === true;
  return {
    directories: directory !== null && isWatched ? [directory] : [],
    onEvent({ kind, paths }: Deno.FsEvent) {
      if (paths.includes(path)) answer(true);
      if (kind === "remove" && paths.includes(directory!)) isWatched = false;
    },
    async isAlive(): Promise<boolean> {
      // In somebody else's directory a link could redirect the write.
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

const DEAD_ENTRY: LogEntry = {
  level: "warning",
  text: "file events have stopped, perhaps because of a FIFO in a watched directory, which hangs " +
    "Deno; from now on only the poll finds changes (--poll-interval)",
  fields: { reason: "the wrapper's own probe gave no event" },
};

function failureEntry(failure: string): LogEntry {
  const text = `${failure}; only the poll finds changes there (--poll-interval)`;
  return { level: "warning", text, fields: { reason: failure } };
}

/** Names the limit that was reached: Deno has no error classes for those of inotify(7). */
function describeFailure(error: unknown): string {
  const reason = systemReason(error);
  const limit = /too many open files/i.test(reason)
    ? ', the limit "fs.inotify.max_user_instances" (or that of open files) is reached'
    : /limit|no space/i.test(reason)
    ? ', the limit "fs.inotify.max_user_watches" is reached'
    : "";
  return `cannot watch for file events: found "${reason}"${limit}`;
}
