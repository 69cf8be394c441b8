/** Finds out whether a process can pass its stick-tables on to its successor when it begins to drain. */
import { sleep } from "../../system/cut_off.ts";
import { ask, type StatsSocket } from "./client.ts";

/**
 * Whether the stick-tables of the process behind `socket` survive a handoff: they reach its successor through
 * the local peer of a `peers` section, once its own resync is over. HAProxy 2.6 begins one of 5 s at each start,
 * 3.0 only if there are other peers. `true` if it has no such tables or does not answer.
 */
export async function canPassTables(socket: StatsSocket): Promise<boolean> {
  const answer = await ask(socket, "show peers", AbortSignal.timeout(ANSWER_LIMIT_MS));
  return answer === null || parseResync(answer);
}

/** Resolves once it can pass them, is gone or drains, but after `limitMs` at the latest. */
export async function untilTablesPass(socket: StatsSocket, limitMs: number): Promise<void> {
  const startedMs = performance.now();
  do {
    await sleep(PAUSE_MS);
  } while (performance.now() - startedMs < limitMs && !await canPassTables(socket));
}

/** Whether the answer to `show peers` shows no section with tables whose resync is still running. Pure. */
export function parseResync(answer: string): boolean {
  const sections = answer.split(/^(?=0x)/m);
  return sections.filter(isPassedOn).every((section) => {
    const flags = /^.* disabled=0 flags=(0x[0-9a-f]+)/.exec(section)?.[1];
    return flags === undefined || (Number(flags) & FINISHED) === FINISHED;
  });
}

/** HAProxy 2.6 and 3.0 drop a section without the local peer, with a warning. */
const isPassedOn = (section: string) =>
  /^ +0x.* id=\S*\(local,/m.test(section) && /^ +table:/m.test(section);

/** Neither the local peer (1) nor others (2) have more to teach (HAProxy 2.6 and 3.0). */
const FINISHED = 3;

const ANSWER_LIMIT_MS = 1_000;
const PAUSE_MS = 100;
