/** Finds out whether a start failed because of ports that the serving generation holds. */
import type { StatsSocket } from "../runtime/client.ts";
import { type Listener, showFrontends, showListeners } from "../runtime/listeners.ts";

export interface BindConflict {
  /** What the new process could not bind, in HAProxy's words: `0.0.0.0:80`. */
  readonly addresses: readonly string[];
  /** What holds the ports in the serving process, by the names that HAProxy shows. */
  readonly frontends: readonly string[];
  /** Why pausing these would not help or would do harm, as a clause; `null` if they can be paused. */
  readonly obstacle: string | null;
}

/** `null` if no alert names a port that the process behind `socket` holds, or that process does not answer. */
export async function findBindConflict(
  alerts: readonly string[],
  socket: StatsSocket,
): Promise<BindConflict | null> {
  if (!alerts.some((alert) => IN_USE.test(alert))) return null;
  return conflictOf(alerts, await showListeners(socket), await showFrontends(socket));
}

/** Pure. */
export function conflictOf(
  alerts: readonly string[],
  listeners: readonly Listener[],
  pausable: readonly string[],
): BindConflict | null {
  const binds = alerts.flatMap((alert) => {
    const [, address, port] = IN_USE.exec(alert) ?? [];
    return address === undefined ? [] : [{ address: `${address}:${port}`, port: Number(port) }];
  });
  const holders = (port: number) => listeners.filter((listener) => listener.port === port);
  const own = binds.filter(({ port }) => holders(port).length > 0);
  if (own.length === 0) return null;
  const frontends = unique(
    own.flatMap(({ port }) => holders(port).map(({ frontend }) => frontend)),
  );
  const isAll = alerts.every((alert) => IN_USE.test(alert) || SUMMARY.test(alert)) &&
    own.length === binds.length;
  return {
    addresses: unique(own.map(({ address }) => address)),
    frontends,
    obstacle: isAll
      ? obstacleOf(frontends, { listeners, pausable })
      : "the port is not the only problem",
  };
}

/** A pause loses an abstract unix socket, and crashes HAProxy 2.6, which does not show which sockets are abstract. */
function obstacleOf(
  frontends: readonly string[],
  { listeners, pausable }: {
    readonly listeners: readonly Listener[];
    readonly pausable: readonly string[];
  },
): string | null {
  const fixed = frontends.find((frontend) => !pausable.includes(frontend));
  if (fixed !== undefined) {
    return fixed === STATS_SOCKETS
      ? "HAProxy cannot pause stats sockets"
      : `HAProxy cannot pause "${fixed}", which is no frontend`;
  }
  const found = listeners.find(({ frontend, port }) =>
    port === null && frontends.includes(frontend)
  );
  return found === undefined
    ? null
    : `frontend "${found.frontend}" has a unix socket as well, which a pause may lose`;
}

/** What HAProxy calls the frontend of its stats sockets. */
const STATS_SOCKETS = "GLOBAL";

/** HAProxy 2.6 to 3.4. */
const IN_USE = /\(Address already in use\) for \[(.*):(\d+)\]/;
const SUMMARY = /Some protocols failed to start their listeners/;

const unique = (values: readonly string[]) => [...new Set(values)];
