/** What a process shows of the servers and frontends that change. */
import type { Ask } from "../../haproxy/runtime/client.ts";
import {
  type ServerState,
  showFrontendMaxconn,
  showServers,
} from "../../haproxy/runtime/server_commands.ts";
import type { Changes } from "./plan.ts";
import { type Changed, nameOf } from "./server_change.ts";

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
