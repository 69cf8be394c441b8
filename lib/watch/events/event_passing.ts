/** Passes on what a watcher of the file system tells, event by event, whatever comes. */
import { lstat } from "../../system/files.ts";
import type { LossReport } from "./lost_events.ts";

/**
 * Something may have changed at the real path. While somebody `writing` has not closed the file, what
 * it holds may be half of what it will. `lost`: events were dropped, so anything may have changed.
 */
export type Hint =
  | { readonly tag: "writing" | "settled"; readonly path: string }
  | { readonly tag: "lost" };

export interface EventPassingOptions {
  readonly isRelevant: (path: string) => boolean;
  readonly onHint: (hint: Hint) => void;
  /** Told what is thrown while an event is passed on; the next one is passed on all the same. */
  readonly onBug: (error: unknown) => void;
  readonly loss: LossReport;
  readonly onEvent: (event: Deno.FsEvent) => void;
  readonly onRemoved: (path: string) => void;
}

/** Ends when the watcher is closed; never rejects. */
export async function passEvents(
  watcher: Deno.FsWatcher,
  options: EventPassingOptions,
): Promise<void> {
  const events = watcher[Symbol.asyncIterator]();
  for (;;) {
    const next = await take(events);
    switch (next.tag) {
      case "end":
        return;
      case "lost":
        await options.loss.report(next.error);
        break;
      case "event":
        await tell(next.event, options).catch(options.onBug);
        break;
      default:
        return next satisfies never;
    }
  }
}

type Next =
  | { readonly tag: "event"; readonly event: Deno.FsEvent }
  | { readonly tag: "lost"; readonly error: unknown }
  | { readonly tag: "end" };

/**
 * An event about a name that is not UTF-8 comes as an error, and the events after it come as if nothing
 * had been (2.6 and 2.9): such an error is the loss of one event, not the end of the watch.
 */
async function take(events: AsyncIterator<Deno.FsEvent>): Promise<Next> {
  try {
    const { value, done } = await events.next();
    return done ? { tag: "end" } : { tag: "event", event: value };
  } catch (error) {
    return { tag: "lost", error };
  }
}

async function tell(event: Deno.FsEvent, options: EventPassingOptions): Promise<void> {
  const { isRelevant, onHint, onEvent, onRemoved } = options;
  const { kind, flag, paths } = event;
  onEvent(event);
  if (flag === "rescan") onHint({ tag: "lost" });
  for (const path of paths.filter(isRelevant)) {
    if (kind === "remove" || kind === "rename") onRemoved(path);
    onHint({ tag: await meaningOf(kind, path), path });
  }
}

/** Deno's `access` is the close after a write; plain reading gives no event. */
async function meaningOf(kind: Deno.FsEvent["kind"], path: string): Promise<"writing" | "settled"> {
  if (kind === "modify") return "writing";
  if (kind !== "create") return "settled";
  const info = await lstat(path).catch(() => null);
  return info?.isFile ? "writing" : "settled";
}
