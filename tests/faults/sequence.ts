/** Several faults one after the other in the same world, which is then ended by a signal. */
import { allFaults } from "./families.ts";
import { type Fault, isPossible } from "./fault.ts";
import { createRandom } from "../support/random.ts";
import { undergo } from "./undergo.ts";
import { World } from "./world.ts";

export interface Sequence {
  /** By their names; between some an ordinary change is made. */
  readonly faults: readonly string[];
  readonly end: EndSignal;
}

type EndSignal = keyof typeof STATUSES;

const STATUSES = { SIGTERM: 143, SIGINT: 130, SIGUSR1: 0 } as const;

/** Stands for a change that nothing is wrong with. */
const ORDINARY = "an ordinary change";

/** The sequence that belongs to `seed`, as long as the list of faults is the same. */
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

/** As it can be pasted into the list of those that have failed. */
export const describeSequence = (sequence: Sequence) => JSON.stringify(sequence, null, 2);

const possibleFaults = (): readonly Fault[] => allFaults().filter(isPossible);

const ORDINARY_CHANGE: Fault = {
  name: ORDINARY,
  inject: (world) => world.change(),
  heal: () => Promise.resolve(),
  expects: { tag: "served" },
};
