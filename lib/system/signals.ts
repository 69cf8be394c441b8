/** What each signal means, in one table. The only user of `Deno.addSignalListener`. */

export type StopSignal = "SIGTERM" | "SIGINT";
/** Lets HAProxy finish its connections; SIGTERM does so only by a setting. */
export type DrainSignal = "SIGUSR1" | "SIGTERM";
export type ReloadSignal = "SIGHUP" | "SIGUSR2";
/** Means something to HAProxy alone. */
export type PassedOnSignal = "SIGQUIT";

export type SignalMeaning =
  | { readonly tag: "stop"; readonly signal: StopSignal }
  | { readonly tag: "drain" }
  | { readonly tag: "reload"; readonly signal: ReloadSignal }
  | { readonly tag: "pass_on"; readonly signal: PassedOnSignal }
  | { readonly tag: "ignore" };

/**
 * Every signal that HAProxy or a container runtime uses. SIGTTIN and SIGTTOU would make HAProxy pause its listeners
 * and the kernel stop the wrapper, so both are caught and ignored.
 */
export const SIGNALS = {
  // As process 1, Deno dies of one of the first three if it has no listener while another of them has.
  SIGHUP: { tag: "reload", signal: "SIGHUP" },
  SIGINT: { tag: "stop", signal: "SIGINT" },
  SIGTERM: { tag: "stop", signal: "SIGTERM" },
  SIGUSR1: { tag: "drain" },
  SIGUSR2: { tag: "reload", signal: "SIGUSR2" },
  SIGQUIT: { tag: "pass_on", signal: "SIGQUIT" },
  SIGTTIN: { tag: "ignore" },
  SIGTTOU: { tag: "ignore" },
} as const satisfies Readonly<Record<string, SignalMeaning>>;

/** Linux's numbers, for exit statuses of 128 and more. */
export const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 };

export interface Signals {
  /** Passes all waiting signals to `receive`, and from now on each one at once. */
  deliverTo(receive: (meaning: SignalMeaning) => unknown): void;
  /** Until `work` ends, all signals are only looked at, and wait for the next receiver. */
  holdDuring<Result>(
    work: () => Promise<Result>,
    options: { readonly look: (meaning: SignalMeaning) => unknown },
  ): Promise<Result>;
}

/** Listens for each signal of the table until the process ends. */
export function listenToSignals(): Signals {
  const waiting: SignalMeaning[] = [];
  const hold = (meaning: SignalMeaning): unknown => waiting.push(meaning);
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
      waiting.splice(0).forEach(receive);
    },
    async holdDuring(work, { look }) {
      deliver = (meaning) => {
        hold(meaning);
        look(meaning);
      };
      waiting.forEach(look);
      const result = await work();
      deliver = hold;
      return result;
    },
  };
}

/** Calls `listener` whenever a child may have ended. SIGCHLD has no meaning for users, so it is not in the table. */
export function onChildEnd(listener: () => void): void {
  Deno.addSignalListener("SIGCHLD", listener);
}

/** Within this time nobody presses Ctrl-C twice. */
const KEYSTROKE_MS = 100;

/** Under `deno task` one Ctrl-C arrives twice: from the terminal, and passed on by the task. */
export function oncePerKeystroke(listener: () => void, now = () => performance.now()): () => void {
  let lastMs = -Infinity;
  return () => {
    const isNew = now() - lastMs >= KEYSTROKE_MS;
    lastMs = now();
    if (isNew) listener();
  };
}
