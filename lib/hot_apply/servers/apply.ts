/** Gives a running process other servers and frontends: all of them or none, and reads back that it has them. */
import { type Ask, quoted } from "../../haproxy/runtime/client.ts";
import {
  addServer,
  deleteServer,
  enable,
  type ServerCommand,
  type ServerState,
  setAddress,
  setFrontendMaxconn,
  setHealthy,
  setMaxconn,
  setState,
  setWeight,
} from "../../haproxy/runtime/server_commands.ts";
import type { MaxconnChange } from "./frontend_maxconn.ts";
import type { Changes } from "./plan.ts";
import { overriddenBy, type Servers, show, type Shown } from "./shown.ts";
import { type Added, type Changed, nameOf, type ServerChange } from "./server_change.ts";

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
  limitMs = TIME_LIMIT_MS,
): Promise<ServersApplied> {
  const { servers, frontends } = changes;
  const before = await show(changes, ask);
  if (before === null) return impossible("HAProxy does not show its servers");
  const obstacle = obstacleIn(servers, before.servers);
  if (obstacle !== null) return impossible(obstacle);
  const steps = [
    ...servers.flatMap((change) => stepsOf(change, before.servers)),
    ...frontends.map((change) => stepToMaxconn(change, before)),
  ].sort(byPhase);
  const done: Step[] = [];
  const untilMs = performance.now() + limitMs;
  for (const step of steps) {
    if (performance.now() > untilMs) {
      return await undo(done, { ask, changes, before, reason: "HAProxy answers too slowly" });
    }
    done.push(step);
    const answer = await ask(step.command);
    if (answer === null || !step.accepts.test(answer)) {
      return await undo(done, { ask, changes, before, reason: quoted(answer) });
    }
  }
  const after = await show(changes, ask);
  return after !== null && isAsPlanned(changes, { before, after })
    ? { tag: "applied", overridden: overriddenBy(changes, before) }
    : await undo(done, { ask, changes, before, reason: "HAProxy shows other servers afterwards" });
}

/** Other changes and signals wait for it, and then for what takes it back. 500 servers take 0.7 s. */
const TIME_LIMIT_MS = 10_000;

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

interface Step extends ServerCommand {
  /** New servers come first and in maintenance, so that most failures harm nobody; what ends comes last. */
  readonly phase: 0 | 1 | 2 | 3 | 4;
  /** Takes it back. */
  readonly undo: ServerCommand | null;
}

const byPhase = (one: Step, other: Step) => one.phase - other.phase;

function stepsOf(change: ServerChange, before: Servers): readonly Step[] {
  const name = nameOf(change);
  const old = before.get(name);
  switch (change.tag) {
    case "added":
      return [...old === undefined ? [] : [goneBefore(name)], ...stepsToAdd(name, change)];
    case "changed":
      return stepsToChange(name, change, old!);
    case "removed":
      return [{ ...setState(name, "maint"), phase: 4, undo: setState(name, stateOf(old!)) }];
    default:
      return change satisfies never;
  }
}

/** It was removed, and had connections left until now. */
const goneBefore = (name: string): Step => ({ ...deleteServer(name), phase: 0, undo: null });

function stepsToAdd(name: string, added: Added): readonly Step[] {
  const later = [
    ...added.isChecked ? [enable("health", name)] : [],
    ...added.hasAgent ? [enable("agent", name)] : [],
    ...added.values.isDisabled ? [] : [setState(name, "ready")],
  ];
  return [
    { ...addServer(name, added), phase: 1, undo: deleteServer(name) },
    ...later.map((command): Step => ({ ...command, phase: 3, undo: setState(name, "maint") })),
  ];
}

function stepsToChange(name: string, change: Changed, old: ServerState): readonly Step[] {
  const { address, weight, maxconn, isDisabled } = change;
  const steps: (readonly [ServerCommand, undo: ServerCommand | null])[] = [];
  if (weight !== null) steps.push([setWeight(name, weight.to), setWeight(name, old.weight)]);
  if (maxconn !== null) steps.push([setMaxconn(name, maxconn.to), setMaxconn(name, old.maxconn)]);
  if (address !== null) {
    steps.push([setAddress(name, address.to), setAddress(name, old)]);
    if (change.isChecked && old.isDown) steps.push([setHealthy(name), null]);
  }
  const state = setState(name, isDisabled?.to === true ? "maint" : "ready");
  const last: readonly Step[] = isDisabled === null
    ? []
    : [{ ...state, phase: isDisabled.to ? 4 : 3, undo: setState(name, stateOf(old)) }];
  return [...steps.map(([command, undo]): Step => ({ ...command, phase: 2, undo })), ...last];
}

function stepToMaxconn({ frontend, to }: MaxconnChange, { frontends }: Shown): Step {
  const undo = setFrontendMaxconn(frontend, frontends.get(frontend)!);
  return { ...setFrontendMaxconn(frontend, to), phase: 2, undo };
}

const stateOf = ({ isInMaintenance, isDraining }: ServerState) =>
  isInMaintenance ? "maint" : isDraining ? "drain" : "ready";

/** Whether all that was to change has, and no server has come besides. */
function isAsPlanned(
  { servers, frontends }: Changes,
  { before, after }: { readonly before: Shown; readonly after: Shown },
): boolean {
  const added = servers.filter(({ tag }) => tag === "added").map(nameOf);
  const names = new Set([...before.servers.keys(), ...added]);
  return [...after.servers.keys()].every((name) => names.has(name)) &&
    servers.every((change) => isShown(change, after.servers.get(nameOf(change)))) &&
    frontends.every(({ frontend, to }) => after.frontends.get(frontend) === to);
}

function isShown(change: ServerChange, state: ServerState | undefined): boolean {
  if (state === undefined) return false;
  switch (change.tag) {
    case "added": {
      const { address, values } = change;
      return state.ip === address.ip && state.port === address.port &&
        state.weight === values.weight && state.maxconn === values.maxconn &&
        state.isInMaintenance === values.isDisabled;
    }
    case "changed": {
      const { address, weight, maxconn, isDisabled } = change;
      const { ip, port } = address?.to ?? state;
      return state.ip === ip && state.port === port &&
        state.weight === (weight?.to ?? state.weight) &&
        state.maxconn === (maxconn?.to ?? state.maxconn) &&
        state.isInMaintenance === (isDisabled?.to ?? state.isInMaintenance);
    }
    case "removed":
      return state.isInMaintenance;
    default:
      return change satisfies never;
  }
}

/** Takes back what was done, also the last step, of which nobody knows whether it was carried out. */
async function undo(
  done: readonly Step[],
  { ask, changes, before, reason }: {
    readonly ask: Ask;
    readonly changes: Changes;
    readonly before: Shown;
    readonly reason: string;
  },
): Promise<ServersApplied> {
  for (const { undo } of done.toReversed()) if (undo !== null) await ask(undo.command);
  const after = await show(changes, ask);
  return after !== null && textOf(before) === textOf(after)
    ? impossible(reason)
    : { tag: "unconfirmed", reason };
}

/** Those in maintenance may be gone: they have been removed before, and had connections left until now. */
function textOf({ servers, frontends }: Shown): string {
  const states = [...servers].filter(([, { isInMaintenance }]) => !isInMaintenance)
    .map(([name, { isDown: _, ...state }]) => `${name} ${JSON.stringify(state)}`);
  return JSON.stringify([states.sort(), [...frontends]]);
}
