/** The loop: takes an event, decides, and has the actions carried out, whose results come back as events. */
import { EXIT } from "../exit_codes.ts";
import { decide } from "./decide.ts";
import type { Action, Decision, Event, State } from "./events.ts";
import type { Policy } from "./policy.ts";
import { firstDecision } from "./reload.ts";
import type { Fingerprint } from "../watch/fingerprint.ts";

/** Carries out actions without waiting for what comes of them. */
export interface Effects {
  perform(action: Action): void;
}

/** One step of the loop. */
export interface Step {
  /** `null` for the first. */
  readonly event: Event | null;
  readonly before: State | null;
  readonly after: State;
  readonly actions: readonly Action[];
}

export class Supervisor {
  readonly #policy: Policy;
  readonly #observe: (step: Step) => void;
  readonly #events: Event[] = [];
  #wake: () => void = () => {};

  /** `observe` is told each step, before its actions are carried out. */
  constructor(policy: Policy, observe: (step: Step) => void = () => {}) {
    this.#policy = policy;
    this.#observe = observe;
  }

  readonly post = (event: Event): void => {
    this.#events.push(event);
    this.#wake();
  };

  /** Starts HAProxy, whose sources have this `fingerprint`, and gives the exit status when all is over. */
  async run(effects: Effects, fingerprint: Fingerprint | null): Promise<number> {
    const first = firstDecision(fingerprint);
    let state = this.#carryOut(first, { event: null, before: null, effects });
    let bugs = 0;
    while (state.name !== "ended") {
      const event = await this.#nextEvent();
      if (event.name === "bug" && ++bugs > MOST_BUGS) return EXIT.SOFTWARE;
      state = this.#handle(state, event, effects);
    }
    return state.exitCode;
  }

  #handle(state: State, event: Event, effects: Effects): State {
    try {
      const decision = decide(state, event, this.#policy);
      return this.#carryOut(decision, { event, before: state, effects });
    } catch (error) {
      this.#reportBug(error);
      return state;
    }
  }

  /** An action that fails keeps none of the others from being tried; the first failure is reported. */
  #carryOut(
    [after, actions]: Decision,
    { effects, ...origin }: Pick<Step, "event" | "before"> & { readonly effects: Effects },
  ): State {
    const failures: unknown[] = [];
    this.#observe({ ...origin, after, actions });
    for (const action of actions) {
      try {
        effects.perform(action);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) this.#reportBug(failures[0]);
    return after;
  }

  #reportBug(error: unknown): void {
    this.post({ name: "bug", description: describeBug(error) });
  }

  async #nextEvent(): Promise<Event> {
    while (this.#events.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#events.shift()!;
  }
}

/** The text of what was thrown, with the place. */
export function describeBug(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** The first asks to drain, the second to terminate, the third to kill; with one more nothing is left to try. */
const MOST_BUGS = 3;
