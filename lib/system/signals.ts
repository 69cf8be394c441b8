/** Signals: one table of what each means. The only user of `Deno.addSignalListener`. */

export type StopSignal = "SIGTERM" | "SIGINT";
/** Lets HAProxy finish its connections; SIGTERM only if a setting says so. */
export type DrainSignal = "SIGUSR1" | "SIGTERM";
export type ReloadSignal = "SIGHUP" | "SIGUSR2";

export type SignalMeaning =
  | { readonly tag: "stop"; readonly signal: StopSignal }
  | { readonly tag: "drain" }
  | { readonly tag: "reload"; readonly signal: ReloadSignal }
  | { readonly tag: "dump" }
  | { readonly tag: "ignore" };

/**
 * Every signal that HAProxy or a container runtime uses. On SIGTTIN and SIGTTOU HAProxy would pause its
 * listeners, and the kernel would stop the wrapper, so both are taken and nothing is done.
 */
export const SIGNALS = {
  // As process 1 Deno dies on one of the first three that has no listener while another of them has.
  SIGHUP: { tag: "reload", signal: "SIGHUP" },
  SIGINT: { tag: "stop", signal: "SIGINT" },
  SIGTERM: { tag: "stop", signal: "SIGTERM" },
  SIGUSR1: { tag: "drain" },
  SIGUSR2: { tag: "reload", signal: "SIGUSR2" },
  SIGQUIT: { tag: "dump" },
  SIGTTIN: { tag: "ignore" },
  SIGTTOU: { tag: "ignore" },
} as const satisfies Readonly<Record<string, SignalMeaning>>;

/** Linux's numbers, for exit statuses of 128 and more. */
export const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 };

export interface Signals {
  /** Gives `receive` all signals that are waiting, and from now on each at once. */
  deliverTo(receive: (meaning: SignalMeaning) => unknown): void;
  /** Lets all signals wait for the next receiver, after the `kept` ones. */
  hold(kept: readonly SignalMeaning[]): void;
}

/** Listens to each signal of the table until the process ends. */
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

/** Within this time nobody presses Ctrl-C twice. */
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
