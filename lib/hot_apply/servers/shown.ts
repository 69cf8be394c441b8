/** What a process shows of the servers and frontends that change. */
import type { Ask } from "../../haproxy/runtime/client.ts";
import {
  type ServerState,
  showFrontendMaxconn,
  showServers,
} from "../../haproxy/runtime/server_commands.ts";
import type { Changes } from "./plan.ts";
import { type Changed, nameOf, type ServerChange } from "./server_change.ts";

/** By their full names. */
export type Servers = ReadonlyMap<string, ServerState>;

export interface Shown {
  readonly servers: Servers;
  /** By frontend. */
  readonly frontends: ReadonlyMap<string, number>;
}

/** Of all sections that change; `null` if one is not there, or the process does not answer. */
export async function show(changes: Changes, ask: Ask): Promise<Shown | null> {
  const servers = new Map<string, ServerState>();
  const frontends = new Map<string, number>();
  for (const backend of new Set(changes.servers.map(({ backend }) => backend))) {
    const found = await showServers(ask, backend);
    if (found === null) return null;
    for (const [server, state] of found) servers.set(nameOf({ backend, server }), state);
  }
  for (const { frontend } of changes.frontends) {
    const limit = await showFrontendMaxconn(ask, frontend);
    if (limit === null) return null;
    frontends.set(frontend, limit);
  }
  return { servers, frontends };
}

/** Values that were neither what the files said before nor what they say now. */
export function overriddenBy({ servers, frontends }: Changes, before: Shown): readonly string[] {
  const ofFrontends = frontends.flatMap((change) => {
    const limit = before.frontends.get(change.frontend)!;
    return isOther(change, limit) ? [`maxconn ${limit} of frontend "${change.frontend}"`] : [];
  });
  const ofServers = servers.flatMap((change) => {
    if (change.tag !== "changed") return [];
    const name = nameOf(change);
    const { address, weight, maxconn, isDisabled } = change;
    const old = before.servers.get(name)!;
    const [was, wanted] = [`${old.ip} ${old.port}`, address && placesOf(address)];
    return [
      ...isOther(weight, old.weight) ? [`weight ${old.weight} of "${name}"`] : [],
      ...isOther(maxconn, old.maxconn) ? [`maxconn ${old.maxconn} of "${name}"`] : [],
      ...isOther(wanted, was) ? [`address ${was} of "${name}"`] : [],
      ...isDisabled !== null && old.isDraining ? [`drain of "${name}"`] : [],
    ];
  });
  return [...ofServers, ...ofFrontends];
}

function placesOf({ from, to }: NonNullable<Changed["address"]>) {
  const placeOf = ({ ip, port }: typeof from) => `${ip} ${port}`;
  return { from: placeOf(from), to: placeOf(to) };
}

const isOther = <Value>(
  change: { readonly from: Value; readonly to: Value } | null,
  value: Value,
) => change !== null && value !== change.from && value !== change.to;

/** Whether all that was to change has, and no server has come besides. */
export function isAsPlanned(
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

/** Those in maintenance may be gone: they have been removed before, and had connections left until now. */
export function textOf({ servers, frontends }: Shown): string {
  const states = [...servers].filter(([, { isInMaintenance }]) => !isInMaintenance)
    .map(([name, { isDown: _, ...state }]) => `${name} ${JSON.stringify(state)}`);
  return JSON.stringify([states.sort(), [...frontends]]);
}
