/** Sequences of faults that have failed once, as `deno task faults` prints them. */
import type { Sequence } from "./sequence.ts";

export interface KnownSequence extends Sequence {
  /** What was wrong. */
  readonly why: string;
}

export const KNOWN_SEQUENCES: readonly KnownSequence[] = [];
