/** What is said of a handoff while it goes on, one entry each. Pure. */
import type { LogEntry } from "../../system/log.ts";
import type { PauseEnd } from "./pause.ts";
import type { StartRequest } from "./preparation.ts";

export function serverStateLost(
  { generation, takeOverFrom }: StartRequest,
  reason: string,
): LogEntry {
  return {
    level: "warning",
    text: `cannot keep the state of generation ${takeOverFrom}'s servers: ${reason}; ` +
      `generation ${generation} starts with what the configuration says of them`,
    fields: { generation, reason },
  };
}

export function pauseEnded(end: PauseEnd): LogEntry {
  const { serving, generation, frontends } = end;
  const durationMs = Math.round(end.durationMs);
  const which = frontends.map((frontend) => `"${frontend}"`).join(", ");
  return {
    level: end.tag === "not_resumed" ? "error" : "warning",
    text: `for ${durationMs} ms nobody listened for ${
      frontends.length === 1 ? "frontend" : "frontends"
    } ${which}: paused in generation ${serving} so that generation ${generation} could bind its ports; ${
      PAUSE_ENDS[end.tag]
    }`,
    fields: { generation, reason: "bind conflict", durationMs },
  };
}

const PAUSE_ENDS: Readonly<Record<PauseEnd["tag"], string>> = {
  superseded: "that one listens now",
  resumed: "that did not serve, and the old one listens again",
  not_resumed: "that did not serve, and the old one does not listen again: restart the wrapper",
};
