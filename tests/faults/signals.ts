/** Several signals at once while the supervisor is held in a state, and what must come of them. */
import assert from "node:assert/strict";
import { SIGNALS } from "../../lib/system/signals.ts";
import { createRandom } from "../support/random.ts";
import { type HeldState, STATES } from "./world/states.ts";
import type { World } from "./world/world.ts";
import { namesIn } from "../support/machine/files.ts";

type Signal = keyof typeof SIGNALS;

export interface SignalCase {
  readonly state: HeldState;
  /** Two or three. */
  readonly signals: readonly Signal[];
}

/** The case of a seed, in the given state or a random one. */
export function randomSignals(seed: number, state?: HeldState): SignalCase {
  const random = createRandom(seed);
  const names = Object.keys(SIGNALS) as Signal[];
  return {
    state: state ?? random.pick(Object.keys(STATES) as HeldState[]),
    signals: Array.from({ length: 2 + random.below(2) }, () => random.pick(names)),
  };
}

export async function sendSignals(one: SignalCase): Promise<void> {
  try {
    await using held = await STATES[one.state]();
    const { world } = held;
    const statuses = statusesOf(one);
    if (statuses !== null) await world.stopTraffic();
    one.signals.forEach((signal) => world.wrapper.signal(signal));
    if (statuses === null) await assertUnmoved(world, one.state);
    held.release();
    if (statuses === null) world.wrapper.signal("SIGTERM");
    assertIn(await world.wrapper.exitCode, statuses ?? [STATUS.SIGTERM], world);
    assert.deepEqual(world.haproxyPids(), [], world.wrapper.output);
    assert.deepEqual(namesIn(world.runtimeDirectory), [], world.wrapper.output);
  } catch (error) {
    throw new Error(`${JSON.stringify(one)}: ${(error as Error).message}`, { cause: error });
  }
}

/** The exit statuses allowed; `null` if it must go on. */
function statusesOf({ state, signals }: SignalCase): readonly number[] | null {
  const tags = signals.map((signal) => SIGNALS[signal]);
  const stops = tags.flatMap((meaning) => meaning.tag === "stop" ? [STATUS[meaning.signal]] : []);
  const isDrained = tags.some(({ tag }) => tag === "drain");
  // A shutdown goes on; the first signal decides the status.
  if (state === "stopping") return [STATUS.SIGTERM];
  // Without an open connection a drain may be over before the next signal arrives.
  if (stops.length > 0) return isDrained ? [...stops, 0] : stops;
  return isDrained || state === "draining" ? [0] : null;
}

const STATUS = { SIGTERM: 143, SIGINT: 130 } as const;

/** It keeps serving, and says so. */
async function assertUnmoved(world: World, state: HeldState): Promise<void> {
  const { status } = await world.ask("/healthz");
  const isServing = state !== "starting";
  assert.equal(status, isServing ? 200 : 503, world.wrapper.output);
  if (!isServing) return;
  const isReady = state !== "leaving";
  assert.equal((await world.ask("/readyz")).status, isReady ? 200 : 503, world.wrapper.output);
  // A frozen process answers nobody.
  if (state !== "hot_applying") assert.match(await world.get() ?? "no answer", /^v\d+$/);
  await world.stopTraffic();
  assert.deepEqual(world.traffic.failures, [], world.wrapper.output);
}

function assertIn(code: number, codes: readonly number[], world: World): void {
  assert.ok(codes.includes(code), `found ${code}, wanted one of ${codes}\n${world.wrapper.output}`);
}
