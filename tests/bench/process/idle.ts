/** Measures how often the idle wrapper wakes up, with its poll and without. */
import { serveBare } from "../contestants.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import { compareAmounts, type Row } from "../table.ts";
import { type Thread, threadsOf } from "./threads.ts";

const WINDOW_SECONDS = 20;
/** The wrapper's default. */
const POLL_SECONDS = 5;

export async function measureIdle(room: AsyncDisposableStack): Promise<Row[]> {
  const bare = await serveBare(room.use(new Workspace()));
  const polling = await serveWrapper(room, POLL_SECONDS);
  const silent = await serveWrapper(room, 0);
  // The last one started: once it is at rest, so are the others.
  await untilAtRest(silent);
  const [beside, withPoll, withoutPoll] = await Promise.all([
    wakeUpsPerSecond(bare.pid),
    wakeUpsPerSecond(polling.pid),
    wakeUpsPerSecond(silent.pid),
  ]);
  return [compareWithoutPoll(withoutPoll, beside), compareWithPoll(withPoll, beside)];
}

async function serveWrapper(room: AsyncDisposableStack, pollSeconds: number): Promise<Wrapper> {
  const workspace = room.use(new Workspace());
  const args = ["--poll-interval", `${pollSeconds}s`, "-f", workspace.configuration];
  return await workspace.serve({ args });
}

/** Deno ends its file threads 10 s after their last work: then the start is over. */
async function untilAtRest({ pid }: Wrapper): Promise<void> {
  const isAtRest = () => threadsOf(pid).every(({ name }) => name !== "tokio-runtime-w");
  await waitFor("the end of the threads that worked on files", isAtRest, { deadlineMs: 30_000 });
}

async function wakeUpsPerSecond(pid: number): Promise<number> {
  const before = threadsOf(pid);
  await pause(1_000 * WINDOW_SECONDS);
  return wakeUpsBetween(before, threadsOf(pid)) / WINDOW_SECONDS;
}

/** A thread that has ended meanwhile counts once. */
function wakeUpsBetween(before: readonly Thread[], after: readonly Thread[]): number {
  const earlier = new Map(before.map(({ id, sleeps }) => [id, sleeps]));
  const living = new Set(after.map(({ id }) => id));
  const ended = before.filter(({ id }) => !living.has(id)).length;
  return after.reduce((sum, { id, sleeps }) => sum + sleeps - (earlier.get(id) ?? 0), ended);
}

const STYLE = { besideName: "HAProxy alone", unit: " a second", digits: 2 };

function compareWithoutPoll(wrapper: number, beside: number): Row {
  return compareAmounts("wake-ups when idle, with no poll", { wrapper, beside }, {
    ...STYLE,
    target: { tag: "in_all", limit: 0 },
  });
}

function compareWithPoll(wrapper: number, beside: number): Row {
  const figure = `wake-ups when idle, with a poll every ${POLL_SECONDS} s`;
  const target = { tag: "in_all", limit: 1 } as const;
  const row = compareAmounts(figure, { wrapper, beside }, { ...STYLE, target });
  return { ...row, wrapper: `${row.wrapper} (${(wrapper * POLL_SECONDS).toFixed(1)} a poll)` };
}
