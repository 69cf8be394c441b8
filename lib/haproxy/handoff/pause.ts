/**
 * Pauses frontends of the generation that serves while another is started, by HAProxy's `disable frontend`. Unlike
 * SIGTTOU, which `-sf` makes HAProxy send, that leaves stats and unix sockets alone, so that `-x` goes on working,
 * and all other frontends. After `-x` and SIGTTOU a bind that did not change is dead in the new process (2.6 to 3.4).
 */
import type { Fleet } from "../drain/fleet.ts";
import type { StatsSocket } from "../runtime/client.ts";
import { switchFrontends } from "../runtime/listeners.ts";

export interface PauseOptions {
  /** Whose frontends are paused. */
  readonly serving: number;
  readonly frontends: readonly string[];
  readonly socket: StatsSocket;
  /** What is started meanwhile. */
  readonly generation: number;
  readonly fleet: Fleet;
  readonly onEnd: (end: PauseEnd) => void;
}

export interface PauseEnd {
  readonly serving: number;
  readonly generation: number;
  readonly frontends: readonly string[];
  /** How long nobody listened there. */
  readonly durationMs: number;
  /** `superseded`: the new generation listens. */
  readonly tag: "superseded" | "resumed" | "not_resumed";
}

/**
 * Carries `start` out while the frontends are paused; `null` if they cannot be. Unless `servedAfterMs` tells when in it
 * the new process began to serve, that process is gone after this, and the frontends listen again.
 */
export async function whilePaused<Outcome>(
  options: PauseOptions,
  start: () => Promise<Outcome>,
  servedAfterMs: (outcome: Outcome) => number | null,
): Promise<Outcome | null> {
  const { serving, frontends, socket, generation, fleet, onEnd } = options;
  const facts = { serving, generation, frontends };
  const pausedMs = performance.now();
  let servedMs: number | null = null;
  try {
    if (!await switchFrontends(socket, "disable", frontends)) return null;
    const startedMs = performance.now();
    const outcome = await start();
    const afterMs = servedAfterMs(outcome);
    if (afterMs !== null) servedMs = startedMs + afterMs;
    return outcome;
  } finally {
    if (servedMs === null) {
      // It would go on holding the ports.
      await fleet.eliminate(generation, KILL_LIMIT_MS);
      const tag = await resume(options) ? "resumed" : "not_resumed";
      const elapsedMs = performance.now() - pausedMs;
      if (isServing(options)) onEnd({ ...facts, tag, durationMs: elapsedMs });
    } else onEnd({ ...facts, tag: "superseded", durationMs: servedMs - pausedMs });
  }
}

/** What is killed is gone at once, unless it may not be signalled. */
const KILL_LIMIT_MS = 5_000;

/** One that has been asked to end opens nothing any more. */
const isServing = ({ fleet, serving }: PauseOptions) => fleet.generations.includes(serving);

/** As often as it takes: it may hang, or a stranger may have a port for a moment. */
async function resume(options: PauseOptions): Promise<boolean> {
  for (const startedMs = performance.now(); isServing(options);) {
    if (await switchFrontends(options.socket, "enable", options.frontends)) return true;
    if (performance.now() - startedMs > RESUME_LIMIT_MS) break;
    await new Promise((resolve) => setTimeout(resolve, RESUME_PAUSE_MS));
  }
  return false;
}

const RESUME_LIMIT_MS = 30_000;
const RESUME_PAUSE_MS = 100;
