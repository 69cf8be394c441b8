/** Watches real paths with `Deno.watchFs`, as its only user, and gives hints. */
import { statAgain } from "../../system/files/files.ts";
import type { Log } from "../../system/log.ts";
import { systemReason } from "../../text/system_reason.ts";
import { type EventPassingOptions, passEvents } from "./event_passing.ts";
import { EventThread, type EventThreadOptions } from "./event_thread.ts";
import { createLossReport, type LossReport } from "./lost_events.ts";

export type { Hint } from "./event_passing.ts";

export interface FileEventsOptions
  extends Pick<EventPassingOptions, "isRelevant" | "onHint" | "onBug">, EventThreadOptions {
  /** One of our own directories, watched only to check that events still come; `null`: none now. */
  readonly probeDirectory: () => string | null;
  readonly log: Log;
  /** For tests. */
  readonly thread?: Pick<EventThread, "note" | "state">;
}

export interface Watched {
  /** Changes there have given no event until now. */
  readonly opened: readonly string[];
  /** Whether a scan is due, because other paths are watched than before, or are gone. */
  readonly isDue: boolean;
}

/** At first nothing is watched. */
export class FileEvents {
  readonly #options: FileEventsOptions;
  readonly #loss: LossReport;
  readonly #thread: Pick<EventThread, "note" | "state">;
  /** By path. One for each, since the thread must be asked before any is opened or closed. */
  readonly #watches = new Map<string, Watch>();
  /** Until the next event. */
  #isHung = false;
  /** Whether the last call of `watch` left out paths. */
  #hasLeftOut = false;
  #lastFailure = "";
  #lastGone = "";

  constructor(options: FileEventsOptions) {
    this.#options = options;
    this.#thread = options.thread ?? new EventThread(options);
    const onLoss = () => options.onHint({ tag: "lost" });
    this.#loss = createLossReport({ log: options.log, onLoss });
  }

  /**
   * Watches exactly these real paths from now on: directories, and files that cannot be replaced because they
   * are mounted individually. What would take too long is left to the next call, which is then due.
   */
  async watch(paths: ReadonlySet<string>): Promise<Watched> {
    if (this.#isHung) return { opened: [], isDue: false };
    const hadLeftOut = this.#hasLeftOut;
    this.#hasLeftOut = false;
    const probe = this.#options.probeDirectory();
    const wanted = await identitiesOf(probe === null ? [...paths] : [probe, ...paths]);
    const { opened, closed, gone, failures } = await this.#change(wanted, probe);
    // Such as by the removal of a hundred directories.
    if (!hadLeftOut) failures.delete(FLOODED);
    this.#report([...failures, ...this.#denials()].join(", "));
    // A path that is gone makes another scan due at once, but not forever.
    const lastGone = this.#lastGone;
    this.#lastGone = gone.join("\0");
    const isOther = opened.length + closed.length > 0;
    return { opened, isDue: isOther || (gone.length > 0 && this.#lastGone !== lastGone) };
  }

  /** In how many milliseconds to watch the paths again that were left out; `Infinity`: there are none. */
  get dueInMs(): number {
    return this.#hasLeftOut ? AGAIN_MS : Infinity;
  }

  async close(): Promise<void> {
    this.#loss.close();
    const watches = [...this.#watches.values()];
    this.#watches.clear();
    await Promise.all(watches.map((watch) => watch.close()));
  }

  /** Opens and closes watchers; if the thread does not wait, the rest is left out. */
  async #change(wanted: Identities, probe: string | null): Promise<Round> {
    const round: Round = { opened: [], closed: [], gone: [], failures: new Set() };
    const endMs = performance.now() + LONGEST_ROUND_MS;
    // A hung thread would go unnoticed. There is no probe at the end, and until a lost folder is made again.
    if (probe === null && this.#watches.size > 0) {
      this.#hasLeftOut = [...wanted].some(([path, identity]) => !this.#isCurrent(path, identity));
      return round;
    }
    // The probe comes first, to be asked about the others.
    for (const path of new Set([...wanted.keys(), ...this.#watches.keys()])) {
      const identity = wanted.get(path);
      if (this.#isCurrent(path, identity)) continue;
      const mustEnd = this.#options.isAwaited() || performance.now() > endMs;
      // One is always tried.
      if (mustEnd && hasBegun(round)) {
        this.#hasLeftOut = true;
        break;
      }
      const isProbed = probe !== null && this.#watches.get(probe)?.isStale === false;
      const obstacle = await this.#obstacle(isProbed ? probe : null);
      const outcome = obstacle ?? await this.#renew(path, identity);
      if (outcome.tag === "failed") round.failures.add(outcome.reason);
      else if (outcome.tag === "gone") round.gone.push(path);
      else if (outcome.tag === "watched" && path !== probe) {
        (identity === undefined ? round.closed : round.opened).push(path);
      }
      if (obstacle !== null) break;
    }
    return round;
  }

  /** `identity`: `undefined` if the path is not to be watched. */
  #isCurrent(path: string, identity: string | undefined): boolean {
    const watch = this.#watches.get(path);
    return watch?.identity === identity && watch?.isStale !== true;
  }

  /** Why no watcher can be opened or closed now; `null` if nothing is known against it. */
  async #obstacle(probe: string | null): Promise<Failed | LeftOut | null> {
    // Without a watch there are no events.
    if (this.#watches.size === 0) return null;
    const state = await this.#thread.state(probe);
    switch (state) {
      case "waiting":
        return null;
      case "flooded":
        this.#hasLeftOut = true;
        return { tag: "failed", reason: FLOODED };
      case "interrupted":
        this.#hasLeftOut = true;
        return { tag: "left_out" };
      case "hung":
        this.#isHung = true;
        return { tag: "failed", reason: HUNG };
      default:
        return state satisfies never;
    }
  }

  async #renew(path: string, identity: string | undefined): Promise<Outcome> {
    const watch = this.#watches.get(path);
    this.#watches.delete(path);
    // Deno 2.9 loses the events of a watcher that is opened while the previous one of the path is still closing.
    await watch?.close();
    return identity === undefined ? WATCHED : this.#open(path, identity);
  }

  #open(path: string, identity: string): Outcome {
    try {
      const watcher = Deno.watchFs(path, { recursive: false });
      const { isRelevant, onHint, onBug } = this.#options;
      const options = { isRelevant, onHint, onBug, loss: this.#loss, onEvent: this.#onEvent };
      const ended = passEvents(watcher, options);
      const close = () => {
        watcher.close();
        return ended;
      };
      this.#watches.set(path, { identity, denial: null, isStale: false, close });
      return WATCHED;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return { tag: "gone" };
      if (!(error instanceof Deno.errors.PermissionDenied)) {
        return { tag: "failed", reason: describeFailure(error) };
      }
      const denial = `cannot watch "${path}": ${systemReason(error)}`;
      this.#watches.set(path, { identity, denial, isStale: false, close: () => Promise.resolve() });
      return WATCHED;
    }
  }

  readonly #onEvent = (event: Deno.FsEvent | null): void => {
    this.#thread.note(event);
    if (this.#isHung) {
      this.#isHung = false;
      this.#loss.note(new Error("they had stopped"));
    }
    if (event === null) return;
    if (event.kind !== "remove" && event.kind !== "rename") return;
    for (const path of event.paths) {
      const watch = this.#watches.get(path);
      if (watch !== undefined) watch.isStale = true;
    }
  };

  #denials(): readonly string[] {
    return [...this.#watches.values()].flatMap(({ denial }) => denial ?? []);
  }

  #report(failure: string): void {
    // What is left out may fail as before.
    if (failure === "" && this.#hasLeftOut) return;
    const isNew = failure !== "" && failure !== this.#lastFailure;
    this.#lastFailure = failure;
    if (!isNew) return;
    const where = this.#isHung ? "" : " there";
    const text = `${failure}; only the poll finds changes${where} (--poll-interval)`;
    this.#options.log({ level: "warning", text, fields: { reason: failure } });
  }
}

/** No poll comes meanwhile. On a busy machine each path takes 50 ms. */
const LONGEST_ROUND_MS = 1_000;

/** Long, because everything is scanned before. */
const AGAIN_MS = 5_000;

interface Watch {
  /** Of the directory: the path may come to lead to another one. */
  readonly identity: string;
  /** Why it is not watched, as long as it stays the same; `null` if it is. */
  readonly denial: string | null;
  /** Whether the directory was removed: if made again, it may have the same inode, but no watch. */
  isStale: boolean;
  close(): Promise<void>;
}

/** Of paths. */
type Identities = ReadonlyMap<string, string>;

/** What becomes of the paths in one call of `watch`. */
interface Round {
  readonly opened: string[];
  readonly closed: string[];
  readonly gone: string[];
  readonly failures: Set<string>;
}

const hasBegun = ({ opened, closed, gone, failures }: Round) =>
  opened.length + closed.length + gone.length + failures.size > 0;

type Failed = { readonly tag: "failed"; readonly reason: string };
type LeftOut = { readonly tag: "left_out" };
/** `gone`: the path has been removed since it was looked at. */
type Outcome = { readonly tag: "watched" } | { readonly tag: "gone" } | Failed;

const WATCHED: Outcome = { tag: "watched" };

/** With what decides who may watch: a directory that was denied may come to be allowed. */
async function identitiesOf(paths: readonly string[]): Promise<Identities> {
  const identities = new Map<string, string>();
  for (const path of paths) {
    const info = await statAgain(path);
    identities.set(path, `${info?.dev} ${info?.ino} ${info?.mode} ${info?.uid} ${info?.gid}`);
  }
  return identities;
}

const HUNG = "file events have stopped, perhaps because of a FIFO in a watched directory, which " +
  "hangs Deno";
const FLOODED = "file events come without a pause, perhaps because of a file that is always " +
  "written to, so no other directory can be watched";

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
