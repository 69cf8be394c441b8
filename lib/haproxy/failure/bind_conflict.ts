/** Tells whether a start failed for ports that the generation which serves holds itself, from what both say. */
import type { StatsSocket } from "../runtime/client.ts";
import { type Listener, showListeners } from "../runtime/listeners.ts";

export interface BindConflict {
  /** What the new process could not bind, in HAProxy's words: `0.0.0.0:80`. */
  readonly addresses: readonly string[];
  /** Those that hold the ports in the process that serves. */
  readonly frontends: readonly string[];
  /** Why it is no use, or no good, to pause these, as a sentence without its end; `null` if they can be. */
  readonly obstacle: string | null;
}

/**
 * What HAProxy's `alerts` say of ports that the process behind `socket` holds; `null` if that is nothing, or it does not tell.
 * Ports are shared but for `noreuseport` and `-dR`.
 */
export async function findBindConflict(
  alerts: readonly string[],
  socket: StatsSocket,
): Promise<BindConflict | null> {
  if (!alerts.some((alert) => IN_USE.test(alert))) return null;
  return conflictOf(alerts, await showListeners(socket));
}

/** Pure. */
export function conflictOf(
  alerts: readonly string[],
  listeners: readonly Listener[],
): BindConflict | null {
  const binds = alerts.flatMap((alert) => {
    const [, address, port] = IN_USE.exec(alert) ?? [];
    return address === undefined ? [] : [{ address: `${address}:${port}`, port: Number(port) }];
  });
  const holders = (port: number) => listeners.filter((listener) => listener.port === port);
  const own = binds.filter(({ port }) => holders(port).length > 0);
  if (own.length === 0) return null;
  const frontends = unique(own.flatMap(({ port }) => holders(port)).map((one) => one.frontend));
  const isAll = alerts.every((alert) => IN_USE.test(alert) || SUMMARY.test(alert)) &&
    own.length === binds.length;
  return {
    addresses: unique(own.map(({ address }) => address)),
    frontends,
    obstacle: isAll ? obstacleOf(frontends, listeners) : "it is not all that is wrong",
  };
}

/** An abstract unix socket is lost by a pause, and HAProxy 2.6 dies of it; which are such it does not show. */
function obstacleOf(frontends: readonly string[], listeners: readonly Listener[]): string | null {
  const found = listeners.find(({ frontend, port }) =>
    port === null && frontends.includes(frontend)
  );
  return found === undefined
    ? null
    : `frontend "${found.frontend}" has a unix socket as well, which a pause may lose`;
}

/** HAProxy 2.6 to 3.4. */
const IN_USE = /\(Address already in use\) for \[(.*):(\d+)\]/;
const SUMMARY = /Some protocols failed to start their listeners/;

const unique = (values: readonly string[]) => [...new Set(values)];
