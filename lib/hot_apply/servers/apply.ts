/** Gives a running process other servers and limits: all of them or none, and reads back that it has them. */
import { type Ask, quoted } from "../../haproxy/runtime/client.ts";
import { sleep } from "../../system/cut_off.ts";
import type { Changes } from "./plan.ts";
import { nameOf, type ServerChange } from "./server_change.ts";
import { isAsPlanned, overriddenBy, type Servers, show, type Shown, textOf } from "./shown.ts";
import { type Moved, type Step, stepsFor } from "./steps.ts";

export type ServersApplied =
  | {
    readonly tag: "applied";
    /** What had been set by hand and is not any more, each as a clause. */
    readonly overridden: readonly string[];
  }
  /** The process has what it had before. */
  | { readonly tag: "impossible"; readonly reason: string }
  /** Nobody knows which servers the process has. */
  | { readonly tag: "unconfirmed"; readonly reason: string };

/** Carries out `changes` in the process that `ask` asks. */
export async function applyServers(
  changes: Changes,
  ask: Ask,
  { limitMs, longestPauseMs }: Patience = PATIENCE,
): Promise<ServersApplied> {
  const before = await show(changes, ask);
  if (before === null) return impossible("HAProxy does not show its servers");
  const obstacle = obstacleIn(changes.servers, before.servers);
  if (obstacle !== null) return impossible(obstacle);
  const done: Step[] = [];
  const moved: Moved[] = [];
  const work = { ask, changes, before, done, moved, longestPauseMs };
  const untilMs = performance.now() + limitMs;
  let haveMoved = false;
  for (const step of stepsFor(changes, before)) {
    if (performance.now() > untilMs) return await undo("HAProxy answers too slowly", work);
    if (step.phase >= 3 && !haveMoved) {
      haveMoved = await areMoved(work);
      if (!haveMoved) return await undo(SHOWS_OTHERS, work);
    }
    done.push(step);
    const answer = await ask(step.command);
    if (answer === null || !step.accepts.test(answer)) {
      return await undo(quoted(answer), work);
    }
    if (step.moved !== undefined) moved.push(step.moved);
  }
  return await isShownSoon((after) => isAsPlanned(changes, { before, after }), work)
    ? { tag: "applied", overridden: overriddenBy(changes, before) }
    : await undo(SHOWS_OTHERS, work);
}

const SHOWS_OTHERS = "HAProxy shows other servers afterwards";

interface Patience {
  /** Other changes and signals wait that long, and then for what takes it back. 500 servers take 0.7 s. */
  readonly limitMs: number;
  /** Each of the pauses before HAProxy is asked again is twice as long as the one before. */
  readonly longestPauseMs: number;
}

const PATIENCE: Patience = { limitMs: 10_000, longestPauseMs: 320 };

interface Work extends Pick<Patience, "longestPauseMs"> {
  readonly ask: Ask;
  readonly changes: Changes;
  readonly before: Shown;
  readonly done: readonly Step[];
  /** What HAProxy has accepted of them. */
  readonly moved: readonly Moved[];
}

const impossible = (reason: string): ServersApplied => ({ tag: "impossible", reason });

function obstacleIn(changes: readonly ServerChange[], before: Servers): string | null {
  for (const change of changes) {
    const name = nameOf(change);
    const old = before.get(name);
    if (change.tag === "added" && old?.isInMaintenance === false) {
      return `"${name}" is there already`;
    }
    if (change.tag !== "added" && old === undefined) return `HAProxy has no server "${name}"`;
  }
  return null;
}

/**
 * Takes back what was done, also the last step, of which nobody knows whether it was carried out. Addresses have to be
 * there first: HAProxy would see no need to change one back that is still to come.
 */
async function undo(reason: string, work: Work): Promise<ServersApplied> {
  const { ask, before, done } = work;
  const haveCome = await areMoved(work);
  for (const { undo } of done.toReversed()) if (undo !== null) await ask(undo.command);
  const isUndone = haveCome &&
    await isShownSoon((after) => textOf(before) === textOf(after), work);
  return isUndone ? impossible(reason) : { tag: "unconfirmed", reason };
}

/** Whether all addresses that HAProxy has accepted are there. */
async function areMoved(work: Work): Promise<boolean> {
  const { moved } = work;
  return moved.length === 0 ||
    await isShownSoon(({ servers }) =>
      moved.every(({ name, ip, port }) => {
        const state = servers.get(name);
        return state?.ip === ip && state.port === port;
      }), work);
}

/** HAProxy 3.0 to 3.4 change an address a moment after they have answered. */
async function isShownSoon(
  isRight: (shown: Shown) => boolean,
  { ask, changes, longestPauseMs }: Work,
): Promise<boolean> {
  for (let pauseMs = 5;; pauseMs *= 2) {
    const shown = await show(changes, ask);
    if (shown !== null && isRight(shown)) return true;
    if (shown === null || pauseMs > longestPauseMs) return false;
    await sleep(pauseMs);
  }
}
