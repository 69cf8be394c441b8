/** The commands that give a process other servers, in their order, and those that take them back. Pure. */
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
import type { Address } from "../../config/server_words.ts";
import type { MaxconnChange } from "./frontend_maxconn.ts";
import type { Changes } from "./plan.ts";
import { type Added, type Changed, nameOf, type ServerChange } from "./server_change.ts";
import type { Servers, Shown } from "./shown.ts";

/** The address that a server will have a moment later. */
export interface Moved extends Address {
  readonly name: string;
}

export interface Step extends ServerCommand {
  /**
   * New servers come first and in maintenance, so that most failures harm nobody; what ends, and weights that fall,
   * come last, so that there is always a server for a request.
   */
  readonly phase: 0 | 1 | 2 | 3 | 4;
  readonly moved?: Moved;
  /** Takes it back. */
  readonly undo: ServerCommand | null;
}

/** In the order in which they are to be carried out. */
export const stepsFor = ({ servers, frontends }: Changes, before: Shown): readonly Step[] =>
  [
    ...servers.flatMap((change) => stepsOf(change, before.servers)),
    ...frontends.map((change) => stepToMaxconn(change, before)),
  ].sort((one, other) => one.phase - other.phase);

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
  const steps: Step[] = [];
  if (weight !== null) {
    const phase = weight.to < old.weight ? 4 : 2;
    steps.push({ ...setWeight(name, weight.to), phase, undo: setWeight(name, old.weight) });
  }
  if (maxconn !== null) {
    const undo = setMaxconn(name, old.maxconn);
    steps.push({ ...setMaxconn(name, maxconn.to), phase: 2, undo });
  }
  if (address !== null) {
    steps.push({
      ...setAddress(name, address.to),
      ...{ phase: 2, moved: { name, ...address.to }, undo: setAddress(name, old) },
    });
    if (change.isChecked && old.isDown) steps.push({ ...setHealthy(name), phase: 2, undo: null });
  }
  if (isDisabled !== null) {
    const state = setState(name, isDisabled.to ? "maint" : "ready");
    steps.push({ ...state, phase: isDisabled.to ? 4 : 3, undo: setState(name, stateOf(old)) });
  }
  return steps;
}

function stepToMaxconn({ frontend, to }: MaxconnChange, { frontends }: Shown): Step {
  const undo = setFrontendMaxconn(frontend, frontends.get(frontend)!);
  return { ...setFrontendMaxconn(frontend, to), phase: 2, undo };
}

const stateOf = ({ isInMaintenance, isDraining }: ServerState) =>
  isInMaintenance ? "maint" : isDraining ? "drain" : "ready";
