/** Names of entries that are no text, in every directory that is watched. */
import assert from "node:assert/strict";
import { dirname, join } from "@std/path";
import { programTest } from "./program.ts";
import { Workspace, type Wrapper } from "./wrapper.ts";

/** Runs a script of `sh` in a directory: Deno itself can name nothing that is not UTF-8. */
async function run(script: string, cwd: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-c", script], cwd }).output();
  assert.ok(success, `${script}: ${new TextDecoder().decode(stderr)}`);
}

/** What becomes of an entry with such a name, from its coming to its end. */
const SCENES = {
  "a file that is made, written and removed":
    'n=$(printf "\\377"); touch "$n"; echo x > "$n"; rm "$n"',
  "a directory that is made and removed": 'n=$(printf "\\377"); mkdir "$n"; rmdir "$n"',
  "a link to nothing": 'n=$(printf "a\\200\\n\\033"); ln -s nowhere "$n"; rm "$n"',
  "a file that gets such a name, and a proper one again":
    'n=$(printf "\\355\\240\\200"); : > good; mv good "$n"; mv "$n" good; rm good',
} as const;

for (const [scene, script] of Object.entries(SCENES)) {
  programTest(
    `${scene} under a name that is not UTF-8 is told once and hinders nothing`,
    async () => {
      await using workspace = new Workspace();
      const wrapper = await workspace.serve({
        args: ["-f", workspace.configuration, "--poll-interval", "0"],
      });
      await run(script, workspace.configurationDirectory);
      await wrapper.saysMatching(/warning .*has a name that is not UTF-8; all sources are/);
      await run(script, dirname(workspace.configurationDirectory));
      await isServed(workspace, wrapper, "two");
      assert.equal(wrapper.output.match(/is not UTF-8/g)?.length, 1, wrapper.output);
      wrapper.signal("SIGTERM");
      assert.equal(await wrapper.exitCode, 143, wrapper.output);
    },
  );
}

programTest("touching such a name without end costs one line, and changes go live", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--poll-interval", "0"],
  });
  const attack = 'n=$(printf "\\377"); while [ ! -e end ]; do : > "$n"; done';
  const attacking = run(attack, workspace.configurationDirectory);
  for (const text of ["two", "three", "four"]) await isServed(workspace, wrapper, text);
  await Deno.writeTextFile(join(workspace.configurationDirectory, "end"), "");
  await attacking;
  await isServed(workspace, wrapper, "five");
  assert.equal(wrapper.output.match(/is not UTF-8/g)?.length, 1, wrapper.output);
  await wrapper.stopsAt(5);
});

async function isServed(workspace: Workspace, wrapper: Wrapper, text: string): Promise<void> {
  await workspace.replace(workspace.page(text));
  await workspace.serves(text, wrapper);
  assert.doesNotMatch(wrapper.output, /bug/);
}
