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

/**
 * There is always a server for a request, and none goes to an address that its server has not yet or no more. New
 * servers come first and in maintenance, so that most failures harm nobody.
 */
export type Phase =
  /** What was removed before, and comes back. */
  | 0
  /** New servers. */
  | 1
  /** Limits, and addresses but those of phase 5. */
  | 2
  /** What begins, and weights that rise; by then the addresses have changed. */
  | 3
  /** What ends, and weights that fall. */
  | 4
  /** Addresses of servers that serve no more. */
  | 5;

export interface Step extends ServerCommand {
  readonly phase: Phase;
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
    const phase = weight.to < old.weight ? 4 : 3;
    steps.push({ ...setWeight(name, weight.to), phase, undo: setWeight(name, old.weight) });
  }
  if (maxconn !== null) {
    const undo = setMaxconn(name, old.maxconn);
    steps.push({ ...setMaxconn(name, maxconn.to), phase: 2, undo });
  }
  if (address !== null) {
    const phase = isServing(old) && !willServe(change, old) ? 5 : 2;
    steps.push({
      ...setAddress(name, address.to),
      phase,
      moved: { name, ...address.to },
      undo: setAddress(name, old),
    });
    if (change.isChecked && old.isDown) {
      steps.push({ ...setHealthy(name), phase: phase === 5 ? 5 : 3, undo: null });
    }
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

const isServing = ({ weight, isInMaintenance }: ServerState) => weight > 0 && !isInMaintenance;

const willServe = ({ weight, isDisabled }: Changed, old: ServerState) =>
  isServing({
    ...old,
    weight: weight?.to ?? old.weight,
    isInMaintenance: isDisabled?.to ?? old.isInMaintenance,
  });

const stateOf = ({ isInMaintenance, isDraining }: ServerState) =>
  isInMaintenance ? "maint" : isDraining ? "drain" : "ready";
