/**
 * Tells a service manager such as systemd when the first generation serves, when a reload begins and ends, and when the
 * wrapper leaves, and gives it a line for `systemctl status`: see sd_notify(3).
 */
import type { Service, State } from "../supervisor/state/state.ts";
import type { Step } from "../supervisor/supervisor.ts";
import type { Libc } from "../system/libc.ts";
import { type NotifySocket, openNotifySocket } from "../system/notify_socket.ts";
import type { Log } from "../system/log.ts";
import { type HealthAnswer, readiness } from "./health.ts";

export interface ManagerNoticesOptions {
  /** What NOTIFY_SOCKET says. */
  readonly name: string;
  /** `null`: nothing can be sent, which is logged. */
  readonly libc: Libc | null;
  readonly log: Log;
}

export class ManagerNotices {
  readonly #socket: NotifySocket;
  readonly #nowMicroseconds: () => bigint;
  #told = NOTHING_TOLD;

  constructor({ name, libc, log }: ManagerNoticesOptions) {
    this.#socket = openNotifySocket({ name, libc, log });
    this.#nowMicroseconds = libc?.monotonicMicroseconds ?? (() => 0n);
  }

  /** Tells what follows from a step of the supervisor. */
  readonly observe = (step: Step): void => {
    const { told, message } = tell(this.#told, step, this.#nowMicroseconds());
    this.#told = told;
    if (message !== null) this.#socket.send(message);
  };

  close(): void {
    this.#socket.close();
  }
}

/** What it was last told. */
export interface Told {
  readonly phase: "starting" | "ready" | "reloading" | "stopping";
  readonly status: string;
}

export const NOTHING_TOLD: Told = { phase: "starting", status: "" };

/** The message that follows from a step, if any, and what the manager has been told then. Pure. */
export function tell(
  told: Told,
  step: Step,
  monotonicMicroseconds: bigint,
): { readonly told: Told; readonly message: string | null } {
  const phase = phaseAfter(told, step);
  const status = describe(step.after);
  // An order of systemd's counts as accepted only if it is told a later time than that of its signal.
  const isOrdered = phase === "reloading" && step.event?.name === "reload_requested";
  const lines = [
    ...phase !== told.phase || isOrdered ? PHASES[phase](monotonicMicroseconds) : [],
    ...status !== told.status ? [`STATUS=${status}`] : [],
  ];
  return { told: { phase, status }, message: lines.length > 0 ? lines.join("\n") : null };
}

const PHASES: Readonly<Record<Told["phase"], (microseconds: bigint) => readonly string[]>> = {
  starting: () => [],
  ready: () => ["READY=1"],
  reloading: (microseconds) => ["RELOADING=1", `MONOTONIC_USEC=${microseconds}`],
  stopping: () => ["STOPPING=1"],
};

/** After the first start, only a reload counts as one: a respawn is told as a status. */
function phaseAfter({ phase }: Told, { event, after, actions }: Step): Told["phase"] {
  switch (after.name) {
    case "leaving":
    case "draining":
    case "stopping":
    case "ended":
      return "stopping";
    case "starting":
      return event?.name === "reload_requested" && phase === "ready" ? "reloading" : phase;
    case "reloading":
      return "reloading";
    case "serving":
    case "delaying":
    case "retrying":
    case "hot_applying": {
      const isOrdered = orderIn(after) !== null ||
        actions.some(({ name }) => name === "scan_and_reload");
      return isOrdered && phase !== "starting" ? "reloading" : "ready";
    }
    default:
      return after satisfies never;
  }
}

function orderIn(state: State): string | null {
  if (state.name === "delaying") return state.order;
  return state.name === "hot_applying" ? state.pending.order : null;
}

/** Without names and words of the configuration: every user of the machine may read it. */
function describe(state: State): string {
  switch (state.name) {
    case "starting":
    case "leaving":
    case "draining":
    case "stopping":
    case "ended":
      return reasonOf(readiness(state));
    case "serving":
    case "retrying":
      return describeServing(state.service, describeRejected(state.service));
    case "delaying":
      return describeServing(state.service, "; a reload waits");
    case "reloading":
      return describeServing(state.service, `; generation ${state.attempt.number} is starting`);
    case "hot_applying":
      return describeServing(state.service, "; changed files are being hot-applied");
    default:
      return state satisfies never;
  }
}

const reasonOf = (answer: HealthAnswer) => answer.isOk ? "" : answer.reason;

const describeServing = ({ serving: { number, lastGood } }: Service, rest: string) =>
  `generation ${number} serves${lastGood === undefined ? "" : " the last good files"}${rest}`;

function describeRejected({ rejected }: Service): string {
  if (rejected === null) return "";
  return rejected.awaited === undefined
    ? "; what is on disk was rejected: see the log"
    : "; a reload waits for new files to be whole";
}
