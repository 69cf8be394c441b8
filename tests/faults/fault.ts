/** What a fault is: how it is brought about, how it is healed, and what must be seen between. */
import type { Need } from "../support/needs.ts";
import type { World } from "./world.ts";

export interface Fault {
  readonly name: string;
  /** Brings it about and changes the configuration, in whatever order; ends when the wrapper has had to do with it. */
  readonly inject: (world: World) => Promise<void>;
  /** After it what is on disk can be served. */
  readonly heal: (world: World) => Promise<void>;
  readonly expects: Expectation;
  /** Clients of a process that is frozen have to wait for it. */
  readonly stalls?: boolean;
  /** A process dies that serves beside the old one already: nobody can save what it has accepted. */
  readonly cuts?: boolean;
  /** Neither the wrapper's status nor the old process can be asked meanwhile. */
  readonly isSilent?: boolean;
  /** How many reloads succeed until the end, if not one; `null`: as many as it takes. */
  readonly served?: number | null;
  readonly needs?: Need;
}

/** Whether it can be had here. */
export const isPossible = ({ needs }: Fault) => (needs?.missing ?? null) === null;

export type Expectation =
  /** One generation or more are rejected for a reason that matches, and the old one goes on. */
  | { readonly tag: "rejected"; readonly reason: RegExp }
  /** Nothing is started, and a line that matches says why. */
  | { readonly tag: "awaited"; readonly line: RegExp }
  /** The change goes live all the same; `line`: what is said besides. */
  | { readonly tag: "served"; readonly line?: RegExp };
