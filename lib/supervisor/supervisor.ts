/** The event loop: takes an event, decides, and starts the actions, whose results come back as events. */
import { standIn } from "./decisions/bugs.ts";
import { decide, firstDecision } from "./decisions/decide.ts";
import { bug } from "./messages/reload_messages.ts";
import type { Action, Broken, Decision, Event, EventOf, Policy } from "./state/events.ts";
import type { State } from "./state/state.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";

/** Starts actions without waiting for their results. */
export interface Effects {
  perform(action: Action): void;
}

/** One step of the loop. */
export interface Step {
  /** `null` for the first step. */
  readonly event: Event | null;
  readonly before: State | null;
  readonly after: State;
  readonly actions: readonly Action[];
}

export class Supervisor {
  readonly #policy: Policy;
  readonly #observers: readonly ((step: Step) => void)[];
  readonly #events: Event[] = [];
  /** Stand-ins for events that a bug has swallowed. A bug in a stand-in gets no other. */
  readonly #standIns = new WeakSet<Event>();
  /** The descriptions of bugs already logged. */
  readonly #logged = new Set<string>();
  #wake: () => void = () => {};

  /** `observers` see each step before its actions are carried out. */
  constructor(policy: Policy, observers: readonly ((step: Step) => void)[]) {
    this.#policy = policy;
    this.#observers = observers;
  }

  readonly post = (event: Event): void => {
    this.#events.push(event);
    this.#wake();
  };

  readonly postBug = (error: unknown, broken: Broken): void =>
    this.post({ name: "bug", description: describeBug(error), broken, atMs: performance.now() });

  /** Starts HAProxy with the files of `fingerprint`, and resolves to the exit status once everything has ended. */
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
      // In the missing event's place, before those that came after it.
      this.#events.unshift(replacement);
    }
    const [after, actions] = decide(state, event, this.#policy);
    return [after, [...this.#logBug(event), ...actions]];
  }

  /** A bug that repeats must not flood the log. */
  #logBug({ description }: EventOf<"bug">): readonly Action[] {
    if (this.#logged.has(description) || this.#logged.size >= MOST_LOGGED) return [];
    this.#logged.add(description);
    const isLast = this.#logged.size === MOST_LOGGED;
    return [{ name: "log", entry: bug(description, { isLast }) }];
  }

  /** A failing observer or action must not stop the others. */
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

  /** Otherwise an observer that fails at each bug would be reported forever. */
  #reportBug(
    error: unknown,
    { event, broken }: { readonly event: Event | null; readonly broken: Broken },
  ): void {
    const isReporting = broken === null || REPORTERS.includes(broken.name);
    if (event?.name !== "bug" || !isReporting) this.postBug(error, broken);
  }

  async #nextEvent(): Promise<Event> {
    while (this.#events.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#events.shift()!;
  }
}

/** What was thrown, and where. */
export function describeBug(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

const STATUS = { name: "status" } as const;
const REPORTERS: readonly string[] = ["bug", "log", "status"];

/** More than there should ever be, unless a description differs each time. */
const MOST_LOGGED = 50;
