/** The loop: takes an event, decides, and has the actions carried out, whose results come back as events. */
import { decide } from "./decide.ts";
import type { Action, Decision, Event, State } from "./events.ts";
import { firstDecision, type Policy } from "./reload.ts";
import type { Fingerprint } from "../watch/fingerprint.ts";

/** Carries out actions without waiting for what comes of them. */
export interface Effects {
  perform(action: Action): void;
}

export class Supervisor {
  readonly #policy: Policy;
  readonly #events: Event[] = [];
  #wake: () => void = () => {};
  #bugs = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  readonly post = (event: Event): void => {
    this.#events.push(event);
    this.#wake();
  };

  /** Starts HAProxy, whose sources have this `fingerprint`, and gives the exit status when all is over. */
  async run(effects: Effects, fingerprint: Fingerprint | null): Promise<number> {
    let state = this.#carryOut(firstDecision(fingerprint), effects);
    while (state.name !== "ended" && this.#bugs <= MOST_BUGS) {
      state = this.#handle(state, await this.#nextEvent(), effects);
    }
    return state.name === "ended" ? state.exitCode : BUG_EXIT_CODE;
  }

  #handle(state: State, event: Event, effects: Effects): State {
    try {
      return this.#carryOut(decide(state, event, this.#policy), effects);
    } catch (error) {
      this.#reportBug(error);
      return state;
    }
  }

  #carryOut([state, actions]: Decision, effects: Effects): State {
    for (const action of actions) {
      try {
        effects.perform(action);
      } catch (error) {
        this.#reportBug(error);
      }
    }
    return state;
  }

  #reportBug(error: unknown): void {
    this.#bugs += 1;
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

/** EX_SOFTWARE of sysexits(3). */
const BUG_EXIT_CODE = 70;

/** The first asks to drain, the second to terminate, the third to kill; with one more nothing is left to try. */
const MOST_BUGS = 3;
