/** The status as the supervisor's observer: it must never be in its way. */
import assert from "node:assert/strict";
import { Status } from "../../lib/status/status.ts";
import type { State } from "../../lib/supervisor/events.ts";
import type { Step } from "../../lib/supervisor/supervisor.ts";
import { STATES } from "../supervisor/samples.ts";
import { snapshot } from "./samples.ts";

function create() {
  const bugs: unknown[] = [];
  const { settings, versions } = snapshot();
  const rest = {
    directory: "/",
    collectGarbageSoon: () => {},
    withUmask: null,
    onBug: (bug: unknown) => bugs.push(bug),
  };
  return { bugs, status: new Status({ settings, versions, ...rest }) };
}

const stepTo = (after: State): Step => ({ event: null, before: null, after, actions: [] });

Deno.test("a bug in what is remembered is told, and thrown at nobody", () => {
  const { bugs, status } = create();
  const broken = { ...stepTo(STATES.serving), actions: null } as unknown as Step;
  status.observe(broken);
  assert.equal(bugs.length, 1);
  status.observe(stepTo(STATES.leaving));
  assert.equal(bugs.length, 1);
});
