/** Who reloads HAProxy. */
import type { Site } from "../site.ts";

export interface Contestant {
  /** Of the process that starts HAProxy and stays; `null` where there is none. */
  readonly supervisor: number | null;
  /**
   * Makes a change and sees to it that it is served, or finds out that it is refused. Resolves then, though
   * old processes may still drain.
   */
  reload(makeChange: () => void, expected: Outcome): Promise<Outcome>;
  /** What was said, for the case that something goes wrong. */
  explain(): string;
  /** Ends what it has started itself and the workspace does not wait for. */
  end?(): Promise<void>;
}

export type Outcome = "served" | "refused";

/** Starts with the configuration that is there. */
export type Start = (site: Site) => Promise<Contestant>;
