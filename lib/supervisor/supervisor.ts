/** The loop: takes an event, decides, and has the actions carried out, whose results come back as events. */
import { standIn } from "./decisions/bugs.ts";
import { decide, firstDecision } from "./decisions/decide.ts";
import { bug } from "./messages/messages.ts";
import type { Action, Broken, Decision, Event, EventOf, Policy } from "./state/events.ts";
import type { State } from "./state/state.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";

/** Carries out actions without waiting for their results. */
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
  readonly #observers: readonly ((step: Step) => void)[];
  readonly #events: Event[] = [];
  /** Those that stand for what a bug has kept from coming: a bug in one of them has no further one. */
  readonly #standIns = new WeakSet<Event>();
  /** The texts of the bugs that were told. */
  readonly #told = new Set<string>();
  #wake: () => void = () => {};

  /** Each of `observers` is told each step, before its actions are carried out. */
  constructor(policy: Policy, observers: readonly ((step: Step) => void)[] = []) {
    this.#policy = policy;
    this.#observers = observers;
  }

  readonly post = (event: Event): void => {
    this.#events.push(event);
    this.#wake();
  };

  /** Reports a bug; `Broken` says what is known of it. */
  readonly postBug = (error: unknown, broken: Broken): void =>
    this.post({ name: "bug", description: describeBug(error), broken, atMs: performance.now() });

  /** Starts HAProxy, whose sources have this `fingerprint`, and gives the exit status when all is over. */
  async run(effects: Effects, fingerprint: Fingerprint | null): Promise<number> {
    const first = firstDecision(fingerprint);
    let state = this.#carryOut(first, { event: null, before: null, effects });
    while (state.name !== "ended") {
      state = this.#handle(state, await this.#nextEvent(), effects);
    }
    return state.exitCode;
  }

  #handle(state: State, event: Event, effects: Effects): State {
    let decision: Decision = [state, []];
    try {
      decision = this.#decide(state, event);
    } catch (error) {
      this.#reportBug(error, { event, broken: this.#standIns.has(event) ? null : event });
    }
    return this.#carryOut(decision, { event, before: state, effects });
  }

  #decide(state: State, event: Event): Decision {
    if (event.name !== "bug") return decide(state, event, this.#policy);
    const replacement = standIn(event);
    if (replacement !== null) {
      this.#standIns.add(replacement);
      // In the missing one's place, before what came after it.
      this.#events.unshift(replacement);
    }
    const [after, actions] = decide(state, event, this.#policy);
    return [after, [...this.#tell(event), ...actions]];
  }

  /** A repeating bug must not flood the log. */
  #tell({ description }: EventOf<"bug">): readonly Action[] {
    if (this.#told.has(description) || this.#told.size >= MOST_TOLD) return [];
    this.#told.add(description);
    return [{ name: "log", entry: bug(description, { isLast: this.#told.size === MOST_TOLD }) }];
  }

  /** One that fails, observer or action, must not stop the others. */
  #carryOut(
    [after, actions]: Decision,
    { effects, event, before }: Pick<Step, "event" | "before"> & { readonly effects: Effects },
  ): State {
    const attempt = (work: () => void, broken: Broken) => {
      try {
        work();
      } catch (error) {
        this.#reportBug(error, { event, broken });
      }
    };
    const step = { event, before, after, actions };
    this.#observers.forEach((observe) => attempt(() => observe(step), STATUS));
    actions.forEach((action) => attempt(() => effects.perform(action), action));
    return after;
  }

  /** An observer that fails at each bug report would repeat that without end. */
  #reportBug(
    error: unknown,
    { event, broken }: { readonly event: Event | null; readonly broken: Broken },
  ): void {
    const isHearer = broken === null || HEARERS.includes(broken.name);
    if (event?.name !== "bug" || !isHearer) this.postBug(error, broken);
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

const STATUS = { name: "status" } as const;
const HEARERS: readonly string[] = ["bug", "log", "status"];

/** More than there can be, unless their texts differ each time. */
const MOST_TOLD = 50;
