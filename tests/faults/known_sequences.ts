/** Sequences of faults that once failed, as `deno task faults` prints them, reduced to what mattered. */
import type { Sequence } from "./sequence.ts";

export interface KnownSequence extends Sequence {
  /** What was wrong, and the seed that showed it. */
  readonly why: string;
}

export const KNOWN_SEQUENCES: readonly KnownSequence[] = [
  {
    why: "a start that hung before there was a process was not tried again (5057)",
    faults: [
      "an ordinary change",
      "the wrapper is frozen in the middle of a handoff, for longer than the ready timeout",
      "an ordinary change",
    ],
    end: "SIGUSR1",
  },
  {
    why: "a process that was told to stop just after its first answer took over (9017)",
    faults: [
      "the new process answers with another pid",
      "the new process gets SIGUSR1 when it has answered, before the old one is asked to stop",
    ],
    end: "SIGUSR1",
  },
];
