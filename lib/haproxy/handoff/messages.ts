/** The log lines during a handoff. Pure. */
import type { LogEntry } from "../../system/log.ts";
import type { Pause } from "./pause.ts";
import type { StartRequest } from "./preparation.ts";

export function serverStateLost(
  { generation, takeOverFrom }: StartRequest,
  reason: string,
): LogEntry {
  return {
    level: "warning",
    text: `cannot keep the state of generation ${takeOverFrom}'s servers: ${reason}; ` +
      `generation ${generation} starts with the state in the configuration`,
    fields: { generation, reason },
  };
}

/** `superseded`: the new generation listens. `durationMs`: how long nobody listened there. */
export function pauseEnded(
  { serving, generation, frontends }: Pause,
  end: keyof typeof PAUSE_ENDS,
  durationMs: number,
): LogEntry {
  const nouns = frontends.length === 1 ? "frontend" : "frontends";
  const which = frontends.map((frontend) => `"${frontend}"`).join(", ");
  const elapsedMs = Math.round(durationMs);
  return {
    level: end === "not_resumed" ? "error" : "warning",
    text: `${nouns} ${which} did not listen for ${elapsedMs} ms: paused in generation ` +
      `${serving} so that generation ${generation} could bind its ports; ${PAUSE_ENDS[end]}`,
    fields: { generation, reason: "bind conflict", durationMs: elapsedMs },
  };
}

const PAUSE_ENDS = {
  superseded: "the new one listens now",
  resumed: "the new one does not serve, so the old one listens again",
  not_resumed:
    "the new one does not serve, and the old one does not listen again: restart the wrapper",
};
