/** Why a generation does not serve, in a sentence and as an exit status. Pure. */
import { EXIT } from "../../exit_codes.ts";
import { formatDuration } from "../../text/duration.ts";
import type { BindConflict } from "./bind_conflict.ts";
import { LEAST_CONNECTIONS } from "../private_folder/injected.ts";
import { describeEnding, type Ending } from "../process/process.ts";

/** After `died`, `bind_conflict` and `not_spawned` the process is gone; after the others it may still be running. */
export type Failure =
  | { readonly tag: "not_prepared"; readonly reason: string; readonly exitCode: number }
  | { readonly tag: "not_spawned"; readonly reason: string; readonly exitCode: number }
  | { readonly tag: "died"; readonly ending: Ending }
  /** It died because the serving generation holds a port; `remedy`: what the user can do. */
  | {
    readonly tag: "bind_conflict";
    readonly ending: Ending;
    readonly conflict: BindConflict;
    readonly serving: number;
    readonly remedy: string;
  }
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "no_listener" }
  | { readonly tag: "wrong_pid"; readonly found: number; readonly started: number }
  | { readonly tag: "master_worker"; readonly line: string }
  | { readonly tag: "program_section"; readonly line: string }
  /** `connections`: the limit of its stats sockets; `null` if only the configuration knows. */
  | {
    readonly tag: "withheld_sockets";
    readonly from: number;
    readonly connections: number | null;
  }
  /** In the wrapper, during the start. */
  | { readonly tag: "bug"; readonly description: string };

export function describeFailure(failure: Failure): string {
  switch (failure.tag) {
    case "not_prepared":
      return failure.reason;
    case "not_spawned":
      return `cannot start "haproxy" from PATH: ${failure.reason}`;
    case "died":
      return `haproxy ${describeEnding(failure.ending)} before it was ready`;
    case "bind_conflict":
      return describeConflict(failure);
    case "timed_out":
      return `haproxy did not serve within ${formatDuration(failure.afterMs)}`;
    case "no_listener":
      return 'haproxy opened no listener: the configuration needs at least one "bind"';
    case "wrong_pid":
      return `process ${failure.found} answered in place of ${failure.started}, which was started`;
    case "master_worker":
      return `${failure.line} says "master-worker": remove it, because the wrapper takes the master's place`;
    case "program_section":
      return `${failure.line} begins a "program" section: remove it, because only HAProxy's master runs ` +
        "those, and run that program in a container or unit of its own";
    case "withheld_sockets":
      return `generation ${failure.from} did not hand its sockets over: ` +
        describeTaken(failure.connections) +
        ' (close some, or raise "stats maxconn" in "global"), ' +
        "or it hangs or has no file descriptor left";
    case "bug":
      return `a bug in the wrapper: ${failure.description.split("\n")[0]}`;
    default:
      return failure satisfies never;
  }
}

const describeTaken = (connections: number | null) =>
  connections === null
    ? `all connections to its stats sockets, ${LEAST_CONNECTIONS} or what "stats maxconn" says, are taken`
    : `all ${connections} connections to its stats sockets are taken`;

/** The wrapper's exit status if the first start failed: HAProxy's own if the process died. */
export function exitCodeOf(failure: Failure): number {
  if ("exitCode" in failure) return failure.exitCode;
  if ("ending" in failure) return failure.ending.code;
  return failure.tag === "bug" ? EXIT.SOFTWARE : 1;
}

function describeConflict(
  { conflict, serving, remedy }: Extract<Failure, { tag: "bind_conflict" }>,
): string {
  const { addresses, frontends } = conflict;
  const binds = addresses.join(", ");
  const holders = frontends.map((frontend) => `"${frontend}"`).join(", ");
  return `haproxy cannot bind ${binds}: generation ${serving} itself holds the port, for ${holders}, ` +
    `and does not share it because of "noreuseport" or "-dR"; ${remedy}`;
}
