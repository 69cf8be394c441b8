/** Several faults in a row in the same world, which a signal then ends. */
import { allFaults } from "./families/families.ts";
import { type Fault, isPossible } from "./fault.ts";
import { createRandom } from "../support/random.ts";
import { undergo } from "./undergo.ts";
import { World } from "./world/world.ts";

export interface Sequence {
  /** By name, with ordinary changes between some of them. */
  readonly faults: readonly string[];
  readonly end: EndSignal;
}

type EndSignal = keyof typeof STATUSES;

const STATUSES = { SIGTERM: 143, SIGINT: 130, SIGUSR1: 0 } as const;

/** Stands for a change without a fault. */
const ORDINARY = "an ordinary change";

/** The sequence of a seed, as long as the list of faults stays the same. */
export function randomSequence(seed: number, { most = 8 } = {}): Sequence {
  const random = createRandom(seed);
  const names = possibleFaults().map(({ name }) => name);
  const length = 3 + random.below(most - 2);
  const faults = Array.from(
    { length },
    () => random.below(3) === 0 ? [random.pick(names), ORDINARY] : [random.pick(names)],
  ).flat();
  return { faults, end: random.pick(Object.keys(STATUSES) as EndSignal[]) };
}

export async function runSequence({ faults, end }: Sequence): Promise<void> {
  const known = new Map(possibleFaults().map((fault) => [fault.name, fault]));
  await using world = await World.serving();
  for (const name of faults) {
    if (name === ORDINARY) await undergo(world, ORDINARY_CHANGE);
    else if (known.has(name)) await undergo(world, known.get(name)!);
    else throw new Error(`found the fault "${name}", wanted one of: ${[...known.keys()]}`);
  }
  await world.traffic.stop();
  world.wrapper.signal(end);
  await world.wrapper.endsWith(STATUSES[end]);
}

/** Ready to be pasted into `known_sequences.ts`. */
export const describeSequence = (sequence: Sequence) => JSON.stringify(sequence, null, 2);

const possibleFaults = (): readonly Fault[] => allFaults().filter(isPossible);

const ORDINARY_CHANGE: Fault = {
  name: ORDINARY,
  inject: (world) => world.change(),
  expects: { tag: "served" },
};
