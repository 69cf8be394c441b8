/** Gives a running process other servers: all of them or none, and reads back that it has them. */
import { type Ask, quoted } from "../../haproxy/runtime/client.ts";
import {
  addServer,
  deleteServer,
  enable,
  type ServerCommand,
  type ServerState,
  setAddress,
  setHealthy,
  setMaxconn,
  setState,
  setWeight,
  showServers,
} from "../../haproxy/runtime/server_commands.ts";
import type { Added, Changed, ServerChange } from "./server_change.ts";

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
  changes: readonly ServerChange[],
  ask: Ask,
): Promise<ServersApplied> {
  const backends = [...new Set(changes.map(({ backend }) => backend))];
  const before = await show(backends, ask);
  if (before === null) return impossible("HAProxy does not show its servers");
  const obstacle = obstacleIn(changes, before);
  if (obstacle !== null) return impossible(obstacle);
  const steps = changes.flatMap((change) => stepsOf(change, before)).sort(byPhase);
  const done: Step[] = [];
  for (const step of steps) {
    done.push(step);
    const answer = await ask(step.command);
    if (answer === null || !step.accepts.test(answer)) {
      return await undo(done, { ask, backends, before, reason: quoted(answer) });
    }
  }
  const after = await show(backends, ask);
  return isAsPlanned(changes, { before, after })
    ? { tag: "applied", overridden: overriddenBy(changes, before) }
    : await undo(done, { ask, backends, before, reason: "HAProxy shows other servers afterwards" });
}

const impossible = (reason: string): ServersApplied => ({ tag: "impossible", reason });

type Servers = ReadonlyMap<string, ServerState>;

/** By the full names of the servers; `null` if one backend is not there, or the process does not answer. */
async function show(backends: readonly string[], ask: Ask): Promise<Servers | null> {
  const all = new Map<string, ServerState>();
  for (const backend of backends) {
    const servers = await showServers(ask, backend);
    if (servers === null) return null;
    for (const [server, state] of servers) all.set(nameOf({ backend, server }), state);
  }
  return all;
}

const nameOf = ({ backend, server }: Pick<ServerChange, "backend" | "server">) =>
  `${backend}/${server}`;

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

const stateOf = ({ isInMaintenance, isDraining }: ServerState) =>
  isInMaintenance ? "maint" : isDraining ? "drain" : "ready";

interface Shown {
  readonly before: Servers;
  readonly after: Servers | null;
}

/** Whether all that was to change has, and no server has come besides. */
function isAsPlanned(changes: readonly ServerChange[], { before, after }: Shown): boolean {
  if (after === null) return false;
  const added = changes.filter(({ tag }) => tag === "added").map(nameOf);
  const names = new Set([...before.keys(), ...added]);
  return [...after.keys()].every((name) => names.has(name)) &&
    changes.every((change) => isShown(change, after.get(nameOf(change))));
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

/** Values that were neither what the files said before nor what they say now. */
function overriddenBy(changes: readonly ServerChange[], before: Servers): readonly string[] {
  return changes.flatMap((change) => {
    if (change.tag !== "changed") return [];
    const name = nameOf(change);
    const { address, weight, maxconn, isDisabled } = change;
    const old = before.get(name)!;
    const [was, wanted] = [`${old.ip} ${old.port}`, address && placesOf(address)];
    return [
      ...isOther(weight, old.weight) ? [`weight ${old.weight} of "${name}"`] : [],
      ...isOther(maxconn, old.maxconn) ? [`maxconn ${old.maxconn} of "${name}"`] : [],
      ...isOther(wanted, was) ? [`address ${was} of "${name}"`] : [],
      ...isDisabled !== null && old.isDraining ? [`drain of "${name}"`] : [],
    ];
  });
}

function placesOf({ from, to }: NonNullable<Changed["address"]>) {
  const placeOf = ({ ip, port }: typeof from) => `${ip} ${port}`;
  return { from: placeOf(from), to: placeOf(to) };
}

const isOther = <Value>(
  change: { readonly from: Value; readonly to: Value } | null,
  value: Value,
) => change !== null && value !== change.from && value !== change.to;

/** Takes back what was done, also the last step, of which nobody knows whether it was carried out. */
async function undo(
  done: readonly Step[],
  { ask, backends, before, reason }: {
    readonly ask: Ask;
    readonly backends: readonly string[];
    readonly before: Servers;
    readonly reason: string;
  },
): Promise<ServersApplied> {
  for (const { undo } of done.toReversed()) if (undo !== null) await ask(undo.command);
  const after = await show(backends, ask);
  return after !== null && textOf(before) === textOf(after)
    ? impossible(reason)
    : { tag: "unconfirmed", reason };
}

/** Those in maintenance may be gone: they have been removed before, and had connections left until now. */
function textOf(servers: Servers): string {
  const states = [...servers].filter(([, { isInMaintenance }]) => !isInMaintenance)
    .map(([name, { isDown: _, ...state }]) => `${name} ${JSON.stringify(state)}`);
  return states.sort().join("\n");
}
