/** New files that are not whole: a reload waits for them, but not for long. Pure. */
import { type Newcomer, newcomersIn, type NotWhole } from "../../hot_apply/newcomers.ts";
import * as messages from "../messages/hot_apply_messages.ts";
import type { Decision } from "../state/events.ts";
import type { Rejected, Service, StateOf } from "../state/state.ts";
import type { FileChange } from "./delay.ts";
import { waitAfter } from "./handoff_result.ts";

/** New files that must be whole before a reload, unless it has waited for them long enough. */
export function newcomersOf(
  { serving, rejected }: Service,
  { fingerprint, cause, atMs }: FileChange,
): readonly Newcomer[] {
  if (cause.tag === "retry" || awaitMs(rejected, atMs) === 0) return [];
  const tried = rejected !== null && rejected.generation !== null ? rejected.fingerprint : null;
  return newcomersIn(serving.targets, { before: serving.fingerprint, after: fingerprint, tried });
}

/** New files are not whole: the reload waits until they are whole or gone, or for too long. */
export function awaitNewcomers(
  { service, attempt: { fingerprint }, pending }: StateOf<"hot_applying">,
  files: readonly NotWhole[],
  atMs: number,
): Decision {
  const before = service.rejected?.awaited;
  const awaited = before ?? { sinceMs: atMs };
  const rejected = { ...NONE_STARTED, fingerprint, awaited };
  const waitMs = awaitMs(rejected, atMs);
  // The time may have run out while the files were examined.
  const rejection = { rejected, retryMs: Math.max(1, waitMs) };
  const [next, actions] = waitAfter(service, rejection, pending);
  // One line per wait: a file that is still being written has a different fault at every scan.
  if (before !== undefined) return [next, actions];
  return [next, [{ name: "log", entry: messages.awaitsFiles(files, waitMs) }, ...actions]];
}

/** What is rejected without a start. */
export const NONE_STARTED = { generation: null, changedDuringRead: false, failures: 0 } as const;

/**
 * How much longer a reload waits for files that are not whole. The time counts from the first of them, so that
 * neither a file that never goes quiet nor a series of files can extend it.
 */
function awaitMs(rejected: Rejected | null, atMs: number): number {
  const sinceMs = rejected?.awaited?.sinceMs ?? atMs;
  return Math.max(0, sinceMs + AWAITED_MS - atMs);
}

/** Long enough to copy a certificate and then its key, short enough to report a mistake soon. */
const AWAITED_MS = 5_000;
