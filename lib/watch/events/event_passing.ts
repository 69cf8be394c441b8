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
  readonly loss: Pick<LossReport, "report" | "note">;
  /** Called for each event as soon as it comes; `null`: what it said was lost. */
  readonly onEvent: (event: Deno.FsEvent | null) => void;
}

/** Ends when the watcher is closed; never rejects. */
export async function passEvents(
  watcher: Deno.FsWatcher,
  options: EventPassingOptions,
): Promise<void> {
  const isFlood = createFloodCheck();
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
    if (isFlood()) options.loss.note(new Error(`${FLOOD} came within a second`));
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
 * Tells at each event whether others may be missing, as after many in a second: the kernel drops what comes while
 * 16,384 wait, and Deno does not pass that on (2.6 and 2.9).
 */
function createFloodCheck(): () => boolean {
  let sinceMs = performance.now();
  let count = 0;
  return () => {
    if (++count < FLOOD) return false;
    const untilMs = performance.now();
    const isFlood = untilMs - sinceMs < FLOOD_MS;
    sinceMs = untilMs;
    count = 0;
    return isFlood;
  };
}

/** Less than the kernel keeps, since Deno drops some of those. A busy log is slower. */
const FLOOD = 2_000;
const FLOOD_MS = 1_000;
