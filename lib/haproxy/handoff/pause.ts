/**
 * Pauses frontends of the serving generation while another starts, by `disable frontend`. SIGTTOU, which HAProxy sends
 * with `-sf`, would pause all other frontends too, and the stats and unix sockets, without which `-x` fails. After `-x`
 * and SIGTTOU a bind that did not change is dead in the new process (2.6 to 3.4).
 */
import { sleep } from "../../system/cut_off.ts";
import type { Log } from "../../system/log.ts";
import type { Fleet } from "../drain/fleet.ts";
import { forgetPause, notePause } from "../private_folder/pause_note.ts";
import type { PrivateSocket } from "../runtime/client.ts";
import { switchFrontends } from "../runtime/listeners.ts";
import { pauseEnded } from "./messages.ts";
import type { HandoffOutcome } from "./outcome.ts";

export interface Pause {
  /** Whose frontends are paused. */
  readonly serving: number;
  readonly frontends: readonly string[];
  readonly socket: PrivateSocket;
  /** The generation that starts during the pause. */
  readonly generation: number;
}

export interface PauseOptions {
  readonly fleet: Fleet;
  readonly log: Log;
  /** After it aborts, even a ready generation is ended. */
  readonly cancel: AbortSignal;
}

/**
 * Runs `start` while the frontends are paused; `null` if they cannot be paused. Unless the new generation is ready,
 * its process is gone afterwards and the frontends listen again.
 */
export async function whilePaused<Learned>(
  pause: Pause,
  start: () => Promise<HandoffOutcome<Learned>>,
  { fleet, log, cancel }: PauseOptions,
): Promise<HandoffOutcome<Learned> | null> {
  const isServing = () => fleet.generations.includes(pause.serving);
  const pausedMs = performance.now();
  let servedMs: number | null = null;
  await notePause(pause.socket, pause.frontends);
  try {
    if (!await switchFrontends(pause.socket, "disable", pause.frontends)) return null;
    const startedMs = performance.now();
    const outcome = await start();
    if (outcome.tag === "ready" && !cancel.aborted) servedMs = startedMs + outcome.durationMs;
    return outcome;
  } finally {
    if (servedMs === null) {
      // It might still hold the ports.
      await fleet.eliminate(pause.generation, KILL_LIMIT_MS);
      const end = await resume(pause, isServing) ? "resumed" : "not_resumed";
      if (end === "resumed") await forgetPause(pause.socket);
      // A process that was asked to end opens no listener any more.
      if (isServing()) log(pauseEnded(pause, end, performance.now() - pausedMs));
    } else {
      await forgetPause(pause.socket);
      log(pauseEnded(pause, "superseded", servedMs - pausedMs));
    }
  }
}

/** A killed process is gone at once, unless the wrapper may not signal it. */
const KILL_LIMIT_MS = 5_000;

/** Keeps trying: the process may hang, or another program may hold a port for a moment. */
async function resume(pause: Pause, isServing: () => boolean): Promise<boolean> {
  const limit = AbortSignal.timeout(RESUME_LIMIT_MS);
  while (isServing()) {
    if (await switchFrontends(pause.socket, "enable", pause.frontends)) return true;
    if (limit.aborted) return false;
    await sleep(RESUME_PAUSE_MS);
  }
  return false;
}

const RESUME_LIMIT_MS = 30_000;
const RESUME_PAUSE_MS = 100;
