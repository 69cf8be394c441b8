/** What has happened to the clients of one kind. */
import { nowMs } from "../../support/measuring/clock.ts";
import type { Failure, FailureKind } from "../../support/clients/failures.ts";

export interface KindFigures {
  readonly requests: number;
  readonly connections: number;
  /** How often HAProxy announced the end of a connection. */
  readonly announcedEnds: number;
  readonly failures: Partial<Record<FailureKind, number>>;
  /** The first few of each kind of failure. */
  readonly examples: readonly Example[];
  /** Between two answers to any clients of the kind. */
  readonly longestGapMs: number;
  /** From a request to its answer, with a new connection if needed. */
  readonly longestAnswerMs: number;
  /** The reloads in which a request was held up or failed, other than by an idle closing. */
  readonly disturbed: readonly number[];
}

export interface Example {
  readonly kind: FailureKind;
  readonly detail: string;
  readonly time: string;
  readonly reload: number;
}

const EXAMPLES = 3;

/** A request that takes longer was held up. */
const HELD_UP_MS = 1_000;

export class KindRecord {
  #figures = { requests: 0, connections: 0, announcedEnds: 0, longestGapMs: 0, longestAnswerMs: 0 };
  readonly #failures: Partial<Record<FailureKind, number>> = {};
  readonly #examples: Example[] = [];
  readonly #disturbed = new Set<number>();
  #lastMs: number | null = null;

  connected(): void {
    this.#figures.connections += 1;
  }

  announced(): void {
    this.#figures.announcedEnds += 1;
  }

  /** A request since `sinceMs`, during those reloads, was answered. */
  answered(sinceMs: number, during: readonly number[]): void {
    const answeredMs = nowMs();
    const figures = this.#figures;
    figures.requests += 1;
    figures.longestAnswerMs = Math.max(figures.longestAnswerMs, answeredMs - sinceMs);
    const gapMs = answeredMs - (this.#lastMs ?? answeredMs);
    figures.longestGapMs = Math.max(figures.longestGapMs, gapMs);
    this.#lastMs = answeredMs;
    const isHeldUp = answeredMs - sinceMs >= HELD_UP_MS;
    for (const one of isHeldUp ? during : []) this.#disturbed.add(one);
  }

  failed({ kind, message }: Failure, reload: number): void {
    this.#figures.requests += 1;
    const count = this.#failures[kind] = (this.#failures[kind] ?? 0) + 1;
    if (kind !== "idle_closing") this.#disturbed.add(reload);
    if (count > EXAMPLES) return;
    this.#examples.push({ kind, detail: message, time: new Date().toISOString(), reload });
  }

  get figures(): KindFigures {
    return {
      ...this.#figures,
      failures: this.#failures,
      examples: this.#examples,
      disturbed: [...this.#disturbed],
    };
  }
}
