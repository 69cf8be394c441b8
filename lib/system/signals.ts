/** The operating system's signals: one table of what each means, and the only user of `Deno.addSignalListener`. */

export type StopSignal = "SIGTERM" | "SIGINT";
/** Of the signals that let HAProxy finish what it has; SIGTERM only if that is asked for. */
export type DrainSignal = "SIGUSR1" | "SIGTERM";
export type ReloadSignal = "SIGHUP" | "SIGUSR2";

export type SignalMeaning =
  | { readonly tag: "stop"; readonly signal: StopSignal }
  | { readonly tag: "drain" }
  | { readonly tag: "reload"; readonly signal: ReloadSignal }
  | { readonly tag: "dump" }
  | { readonly tag: "ignore" };

/**
 * Every signal that HAProxy or a container runtime uses. HAProxy would pause its listeners on SIGTTIN
 * and SIGTTOU, and the kernel would stop the wrapper; so both are taken and nothing is done.
 */
export const SIGNALS = {
  // As process 1 Deno dies on any of the first three that has no listener while another one has.
  SIGHUP: { tag: "reload", signal: "SIGHUP" },
  SIGINT: { tag: "stop", signal: "SIGINT" },
  SIGTERM: { tag: "stop", signal: "SIGTERM" },
  SIGUSR1: { tag: "drain" },
  SIGUSR2: { tag: "reload", signal: "SIGUSR2" },
  SIGQUIT: { tag: "dump" },
  SIGTTIN: { tag: "ignore" },
  SIGTTOU: { tag: "ignore" },
} as const satisfies Readonly<Record<string, SignalMeaning>>;

/** The numbers on Linux, for exit statuses of 128 and more. */
export const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 };

export interface Signals {
  /** Gives `receive` every signal that has come since listening began, and from now on each at once. */
  deliverTo(receive: (meaning: SignalMeaning) => unknown): void;
  /** From now on all wait for the next who is to have them, after those that were `kept`. */
  hold(kept: readonly SignalMeaning[]): void;
}

/** Listens to each signal of the table from now on, until the process ends. */
export function listenToSignals(): Signals {
  const early: SignalMeaning[] = [];
  const hold = (meaning: SignalMeaning): unknown => early.push(meaning);
  let deliver = hold;
  for (const [signal, meaning] of Object.entries(SIGNALS)) {
    const listener = () => deliver(meaning);
    Deno.addSignalListener(
      signal as keyof typeof SIGNALS,
      signal === "SIGINT" ? oncePerKeystroke(listener) : listener,
    );
  }
  return {
    deliverTo(receive) {
      deliver = receive;
      early.splice(0).forEach(receive);
    },
    hold(kept) {
      early.push(...kept);
      deliver = hold;
    },
  };
}

/** Calls `listener` whenever a child may have ended. SIGCHLD has no meaning for users, so it is not in the table. */
export function onChildEnd(listener: () => void): void {
  Deno.addSignalListener("SIGCHLD", listener);
}

/** Nobody presses Ctrl-C twice within this time. */
const KEYSTROKE_MS = 100;

/** Below `deno task` one Ctrl-C comes twice: from the terminal, and passed on by the task. */
export function oncePerKeystroke(listener: () => void, now = () => performance.now()): () => void {
  let lastMs = -Infinity;
  return () => {
    const isNew = now() - lastMs >= KEYSTROKE_MS;
    lastMs = now();
    if (isNew) listener();
  };
}
