import assert from "node:assert/strict";
import { programTest } from "../support/program.ts";
import { Workspace } from "../support/wrapper.ts";

programTest(
  "a start serves the configuration and makes a private folder for nobody else",
  async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve();
    assert.equal(await workspace.get(), "one");
    const [folder] = [...Deno.readDirSync(workspace.runtimeDirectory)];
    const info = Deno.statSync(`${workspace.runtimeDirectory}/${folder!.name}`);
    assert.equal(info.mode! & 0o777, 0o700);
    wrapper.signal("SIGTERM");
    await wrapper.endsWith(143);
  },
);
