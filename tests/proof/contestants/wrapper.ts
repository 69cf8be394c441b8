/** The wrapper with default settings. */
import { SILENCED } from "../../support/haproxy/bare.ts";
import type { Contestant } from "./contestant.ts";
import type { Site } from "../run/site.ts";

export async function startWrapper({ workspace }: Site): Promise<Contestant> {
  // In a session of its own, as an init starts it, and with HAProxy's output where it is by hand.
  const launcher = ["setsid", ...SILENCED];
  const wrapper = await workspace.serve({ launcher });
  return {
    supervisor: wrapper.pid,
    explain: () => wrapper.output.slice(-LAST_WORDS),
    async reload(makeChange, expected) {
      const read = wrapper.output.length;
      makeChange();
      // A taken port is retried, so a refusal may be about the change before.
      const pattern = expected === "served" ? / serves/ : / (?:rejected|serves)/;
      const [word] = await wrapper.says(new RegExp(`generation \\d+${pattern.source}`), read);
      return word.endsWith("serves") ? "served" : "refused";
    },
  };
}

/** In characters. */
const LAST_WORDS = 500;
