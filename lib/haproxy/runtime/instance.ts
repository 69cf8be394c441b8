/** Asks an HAProxy process about itself. */
import { sleep } from "../../system/cut_off.ts";
import { type Ask, ask, type StatsSocket } from "./client.ts";

/** What a process says about itself. */
export interface Instance {
  readonly pid: number;
  /** Listeners of frontends, peers and log forwarders: all but stats sockets. */
  readonly userListeners: number;
  /** `null` if it does not say. */
  readonly version: string | null;
}

/** `null` if nothing answers, the answer is not HAProxy's, or `signal` aborts, which closes the connection. */
export async function askInstance(
  socket: StatsSocket,
  signal: AbortSignal,
): Promise<Instance | null> {
  const answer = await ask(socket, "show info;show cli sockets", signal);
  return answer === null ? null : parseInstance(answer);
}

/** HAProxy's version; `null` if it does not say. */
export async function askVersion(ask: Ask): Promise<string | null> {
  return versionIn(await ask("show info") ?? "");
}

/**
 * Asks until the process answers. HAProxy 2.4 to 3.4 enable all listeners before any thread answers, so
 * the first answer means that it serves. Never settles once `stop` has aborted.
 */
export async function firstAnswer(socket: StatsSocket, stop: AbortSignal): Promise<Instance> {
  const startedMs = performance.now();
  while (!stop.aborted) {
    const instance = await askInstance(socket, stop);
    if (instance !== null && !stop.aborted) return instance;
    await sleep(pauseMs(performance.now() - startedMs));
  }
  return await new Promise(() => {});
}

/** A fiftieth of the elapsed time: polling must not slow a long start on a busy machine. */
const pauseMs = (elapsedMs: number) => Math.min(50, Math.max(1, elapsedMs / 50));

/** Reads the answer to `show info;show cli sockets`. Pure. */
export function parseInstance(answer: string): Instance | null {
  const pid = numberOf(answer, "Pid");
  const listeners = numberOf(answer, "Listeners");
  if (pid === null || listeners === null) return null;
  const [, statsSockets = ""] = answer.split(/^# socket lvl.*\n/m);
  return {
    pid,
    version: versionIn(answer),
    userListeners: listeners - statsSockets.split("\n").filter((line) => line.trim()).length,
  };
}

const versionIn = (answer: string) => /^Version: (.+)$/m.exec(answer)?.[1] ?? null;

/** How far a drain has come. */
export interface DrainProgress {
  readonly isStopping: boolean;
  /** Those of clients only. */
  readonly connections: number;
  /** What keeps the process alive, not counting the connection that asks. */
  readonly others: number;
}

/** `null` if the process does not answer, or has ended. */
export async function askDrain(ask: Ask): Promise<DrainProgress | null> {
  const answer = await ask("show info") ?? "";
  const [jobs, connections] = [numberOf(answer, "Jobs"), numberOf(answer, "CurrConns")];
  if (jobs === null || connections === null) return null;
  const others = jobs - (numberOf(answer, "Unstoppable Jobs") ?? 0) - 1;
  const isStopping = numberOf(answer, "Stopping") === 1;
  // HAProxy 3.4 briefly still counts connections that have ended, although their jobs are gone.
  return { isStopping, connections: others > 0 ? connections : 0, others };
}

function numberOf(answer: string, name: string): number | null {
  const value = new RegExp(`^${name}: (\\d+)$`, "m").exec(answer)?.[1];
  return value === undefined ? null : Number(value);
}
