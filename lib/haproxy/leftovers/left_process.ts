/** A HAProxy process that another wrapper has left: no child of ours, so that its end can only be asked for. */
import type { Libc } from "../../system/libc.ts";
import { SIGNAL_NUMBERS } from "../../system/signals.ts";
import type { Ending, HaproxyProcess } from "../process/process.ts";

export interface LeftProcessOptions {
  readonly libc: Pick<Libc, "commandLine" | "signalNamed">;
  readonly pid: number;
  /** What no other process has among its words: whoever gets its number later is not taken for it. */
  readonly word: string;
}

export function leftProcess({ libc, pid, word }: LeftProcessOptions): HaproxyProcess {
  const ended = Promise.withResolvers<Ending>();
  let sinceMs = performance.now();
  const look = () => {
    // Only its parent is told how it ended.
    if (!libc.commandLine(pid).includes(word)) return ended.resolve({ tag: "exited", code: 0 });
    setTimeout(look, pauseMs(performance.now() - sinceMs));
  };
  setTimeout(look, pauseMs(0));
  return {
    pid,
    ended: ended.promise,
    output: Promise.resolve(""),
    release: () => Promise.resolve(),
    signal(signal) {
      sinceMs = performance.now();
      libc.signalNamed(pid, word, NUMBERS[signal]!);
    },
  };
}

/** On Linux; HAProxy is sent no others. */
const NUMBERS: Readonly<Partial<Record<Deno.Signal, number>>> = {
  ...SIGNAL_NUMBERS,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
};

/** A tenth of the time that has passed since something was to come of it. */
const pauseMs = (elapsedMs: number) => Math.min(1_000, Math.max(20, elapsedMs / 10));
