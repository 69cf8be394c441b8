/** What a fault is: how it is injected, how it is healed, and what must hold in between. */
import type { Need } from "../support/needs.ts";
import type { World } from "./world/world.ts";

export interface Fault {
  readonly name: string;
  /** Injects the fault and changes the configuration, in any order; returns once the wrapper has met it. */
  readonly inject: (world: World) => Promise<void>;
  /** Afterwards what is on disk can be served; by default it can be all along. */
  readonly heal?: (world: World) => Promise<void>;
  readonly expects: Expectation;
  /** Clients have to wait, for instance for a frozen process. */
  readonly stalls?: boolean;
  /** A process dies that already serves beside the old one: what it has accepted is lost. */
  readonly cuts?: boolean;
  /** Neither the wrapper's status nor the old process answers meanwhile. */
  readonly isSilent?: boolean;
  /** How many reloads succeed in all, if not one; `null`: any number. */
  readonly served?: number | null;
  readonly needs?: Need;
}

/** Whether it can be injected on this machine. */
export const isPossible = ({ needs }: Fault) => (needs?.missing ?? null) === null;

export type Expectation =
  /** One or more generations are rejected for a matching reason, and the old one keeps serving. */
  | { readonly tag: "rejected"; readonly reason: RegExp }
  /** Nothing is started, and a matching line says why. */
  | { readonly tag: "awaited"; readonly line: RegExp }
  /** The change is served anyway; `line`: what is logged besides. */
  | { readonly tag: "served"; readonly line?: RegExp };
