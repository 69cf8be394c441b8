/** Delays a reload until the serving generation can pass its stick-tables on. Pure. */
import type {
  Action,
  Decision,
  EventOf,
  Generation,
  Service,
  State,
  StateOf,
} from "../state/events.ts";

/** What `serving` has to wait for at `atMs`, at most; 0 or less: nothing. */
export function tablesWaitMs({ tablesByMs = -Infinity }: Generation, atMs: number): number {
  return tablesByMs - atMs;
}

/** The generation can pass them on: nothing waits for it any more. */
export const resynced = <S extends Extract<State, Service>>(
  state: S,
  event: EventOf<"resynced">,
): Decision => [passing(state, event), []];

/** What waited for that continues. */
export function resyncedWhileHeld(
  state: StateOf<"delaying">,
  event: EventOf<"resynced">,
): Decision {
  const isOver = state.awaits === "tables" && state.serving.number === event.generation;
  return [passing(state, event), isOver ? goOn(state) : []];
}

export function resyncedBeforeRetry(
  state: StateOf<"retrying">,
  event: EventOf<"resynced">,
): Decision {
  const isOver = state.isDue && state.serving.number === event.generation;
  return [passing(state, event), isOver ? [{ name: "scan_for_retry" }] : []];
}

/** What was held is looked at again, and then reloaded unless something else holds it. */
export const goOn = ({ order }: StateOf<"delaying">): readonly Action[] => [
  order === null ? { name: "scan_soon" } : { name: "scan_and_reload", order },
];

function passing<S extends Extract<State, Service>>(
  state: S,
  { generation }: EventOf<"resynced">,
): S {
  const { tablesByMs, ...serving } = state.serving;
  const isNews = tablesByMs !== undefined && serving.number === generation;
  return isNews ? { ...state, serving } : state;
}
