/** Who reloads HAProxy. */
import type { Site } from "../run/site.ts";

export interface Contestant {
  /** The pid of the process that starts HAProxy and stays; `null` if there is none. */
  readonly supervisor: number | null;
  /**
   * Makes a change, and resolves once it is served or refused, though old processes may still drain.
   */
  reload(makeChange: () => void, expected: Outcome): Promise<Outcome>;
  /** What was logged, in case something goes wrong. */
  explain(): string;
  /** Ends what it has started and the workspace does not wait for. */
  end?(): Promise<void>;
}

export type Outcome = "served" | "refused";

/** Starts with the current configuration. */
export type Start = (site: Site) => Promise<Contestant>;
