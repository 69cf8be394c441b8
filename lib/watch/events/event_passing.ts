/** Turns a watcher's events into hints, whatever comes. */
import { lstat } from "../../system/files/files.ts";
import type { LossReport } from "./lost_events.ts";

/**
 * Something may have changed at that real path. `writing`: the file may be half-written. `lost`: events were
 * dropped, so anything may have changed.
 */
export type Hint =
  | { readonly tag: "writing" | "settled"; readonly path: string }
  | { readonly tag: "lost" };

export interface EventPassingOptions {
  readonly isRelevant: (path: string) => boolean;
  readonly onHint: (hint: Hint) => void;
  /** Called with what an event makes throw; the next event is passed on all the same. */
  readonly onBug: (error: unknown) => void;
  readonly loss: Pick<LossReport, "report" | "rescanSoon">;
  /** Called for each event as soon as it comes; `null`: what it said was lost. */
  readonly onEvent: (event: Deno.FsEvent | null) => void;
}

/** Ends when the watcher is closed; never rejects. */
export async function passEvents(
  watcher: Deno.FsWatcher,
  options: EventPassingOptions,
): Promise<void> {
  const mayMiss = createGapCheck();
  for (const events = watcher[Symbol.asyncIterator]();;) {
    let next: IteratorResult<Deno.FsEvent>;
    try {
      next = await events.next();
    } catch (error) {
      options.onEvent(null);
      // A name that is not UTF-8 causes this (2.6 and 2.9); the next events come as usual.
      await options.loss.report(error);
      continue;
    }
    if (next.done) return;
    if (mayMiss()) options.loss.rescanSoon();
    await pass(next.value, options).catch(options.onBug);
  }
}

async function pass(
  event: Deno.FsEvent,
  { isRelevant, onHint, onEvent }: EventPassingOptions,
): Promise<void> {
  onEvent(event);
  if (event.flag === "rescan") onHint({ tag: "lost" });
  for (const path of event.paths.filter(isRelevant)) {
    onHint({ tag: await meaningOf(event.kind, path), path });
  }
}

/** Deno's `access` means the close after a write: reading gives no event. */
async function meaningOf(kind: Deno.FsEvent["kind"], path: string): Promise<"writing" | "settled"> {
  if (kind === "modify") return "writing";
  if (kind !== "create") return "settled";
  const info = await lstat(path).catch(() => null);
  return info?.isFile ? "writing" : "settled";
}

/**
 * Tells at each event whether others may be missing, as after many without a pause: the kernel drops what comes while
 * 16,384 wait, and Deno does not pass that on (2.6 and 2.9).
 */
function createGapCheck(): () => boolean {
  let lastMs = -Infinity;
  let inRow = 0;
  return () => {
    const nowMs = performance.now();
    inRow = nowMs - lastMs > PAUSE_MS ? 1 : inRow + 1;
    lastMs = nowMs;
    return inRow % MANY === 0;
  };
}

/** Less than the kernel keeps, since Deno drops some of those. */
const MANY = 2_000;
/** In a flood there is none as long: with hundreds of watchers the thread reads some hundred events a second. */
const PAUSE_MS = 100;
