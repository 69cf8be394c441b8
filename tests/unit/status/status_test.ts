/** The status as the supervisor's observer, which must never get in its way. */
import assert from "node:assert/strict";
import { Status } from "../../../lib/status/status.ts";
import type { State } from "../../../lib/supervisor/state/state.ts";
import type { Step } from "../../../lib/supervisor/supervisor.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { STATES } from "../supervisor/samples.ts";
import { snapshot } from "./samples.ts";

Deno.test("probes are answered in spite of a bug in the history", async () => {
  const { settings, versions } = snapshot();
  const status = new Status({
    settings,
    versions,
    directory: "/",
    log: () => {},
    collectGarbageSoon: () => {},
    withUmask: null,
    onBug: () => {},
  });
  const broken = { ...stepTo(STATES.leaving), actions: null } as unknown as Step;
  assert.throws(() => status.observe(broken), TypeError);
  const port = freePort();
  const listening = await status.listen({ tag: "tcp", hostname: "127.0.0.1", port });
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  assert.deepEqual([answer.status, /leaving/.test(await answer.text())], [503, true]);
  if (listening.tag === "listening") listening.close();
});

const stepTo = (after: State): Step => ({ event: null, before: null, after, actions: [] });
