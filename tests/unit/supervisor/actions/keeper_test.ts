/** Which certificates of which generation are kept, and that nothing that breaks here keeps the wrapper from starting. */
import assert from "node:assert/strict";
import type { FileReference } from "../../../../lib/config/file_references.ts";
import type { Leftovers } from "../../../../lib/haproxy/leftovers/leftovers.ts";
import { createKeeper } from "../../../../lib/supervisor/actions/keeper.ts";
import type { Parts } from "../../../../lib/supervisor/actions/parts.ts";
import type { Event } from "../../../../lib/supervisor/state/events.ts";
import type { State } from "../../../../lib/supervisor/state/state.ts";
import { ScriptedHaproxy } from "../../../support/haproxy/scripted_haproxy.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { waitFor } from "../../../support/wait.ts";
import { SERVICE, STATES } from "../samples.ts";

class Scene extends TempFolder {
  readonly events: Event[] = [];
  readonly bugs: unknown[] = [];
  /** What the configuration on disk names. */
  obtained: readonly FileReference[] = [
    { name: "a", path: this.at("a.pem"), keyPath: null } as FileReference,
  ];
  readonly haproxy = new ScriptedHaproxy(
    this.at("1.sock"),
    () => "# certificate\tsection\tstate\texpires\na\tLE\tRunning\t2030-01-01T00:00:00Z\n",
  );
  readonly keeper = createKeeper({
    settings: { watchLoaded: true } as Parts["settings"],
    loadedFiles: { obtained: () => this.obtained } as Parts["loadedFiles"],
    folder: { socket: () => this.at("1.sock") } as unknown as Parts["folder"],
    post: (event) => this.events.push(event),
    postBug: (bug) => this.bugs.push(bug),
    log: () => {},
  });

  observe(after: State): void {
    this.keeper.observe({ event: null, before: null, after, actions: [] });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.keeper.close();
    await this.haproxy[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

const serving = (number: number): State => ({
  name: "serving",
  service: { ...SERVICE, serving: { ...SERVICE.serving, number } },
});

for (const name of ["starting", "reloading"] as const) {
  Deno.test(`what was named when a generation was started is kept: ${name}`, async () => {
    await using scene = new Scene();
    const state = STATES[name];
    scene.observe(state);
    // As by somebody who takes `acme` away, and breaks the configuration.
    scene.obtained = [];
    scene.observe(state);
    scene.observe(serving(state.attempt.number));
    const [event] = await waitFor("an answer", () => scene.events.length > 0 && scene.events);
    assert.ok(event?.name === "renewals_shown" && event.shown.isRenewing, JSON.stringify(event));
  });
}

Deno.test("a bug in a rescue does not keep the wrapper from starting", async () => {
  await using scene = new Scene();
  scene.obtained = [null as unknown as FileReference];
  const processes = [{ serves: true, generation: 0, pid: 1, socket: scene.at("1.sock") }];
  const isChanged = await scene.keeper.rescue({ processes } as unknown as Leftovers);
  assert.equal(isChanged, true);
  assert.ok(scene.bugs[0] instanceof TypeError);
});
