/** Names that are not UTF-8, in every watched directory. */
import assert from "node:assert/strict";
import { dirname, join } from "@std/path";
import { BY_EVENTS, programTest } from "../../support/wrapper/program.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** Runs an `sh` script in a directory: Deno itself cannot name anything that is not UTF-8. */
async function run(script: string, cwd: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-c", script], cwd }).output();
  assert.ok(success, `${script}: ${new TextDecoder().decode(stderr)}`);
}

programTest("entries whose names are not UTF-8 are reported once and do no harm", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: BY_EVENTS });
  const scripts = [
    'n=$(printf "\\377"); touch "$n"; echo x > "$n"; rm "$n"',
    'n=$(printf "\\377"); mkdir "$n"; rmdir "$n"',
    'n=$(printf "a\\200\\n\\033"); ln -s nowhere "$n"; rm "$n"',
    'n=$(printf "\\355\\240\\200"); : > good; mv good "$n"; mv "$n" good; rm good',
  ];
  for (const [index, script] of scripts.entries()) {
    await run(script, workspace.configurationDirectory);
    await wrapper.says(/warning .*has a name that is not UTF-8; all sources are/);
    await run(script, dirname(workspace.configurationDirectory));
    await isServed(workspace, wrapper, `page ${index}`);
  }
  assert.equal(wrapper.output.match(/is not UTF-8/g)?.length, 1, wrapper.output);
  await wrapper.endsBy("SIGTERM", 143);
});

programTest("touching such a name continuously costs one line, and changes go live", async () => {
  await using workspace = new Workspace();
  const attack = 'n=$(printf "\\377"); while [ ! -e end ]; do : > "$n"; done';
  const attacking = run(attack, workspace.configurationDirectory);
  const wrapper = await workspace.serve({ flags: BY_EVENTS, hasEvents: false });
  for (const text of ["two", "three", "four"]) await isServed(workspace, wrapper, text);
  await Deno.writeTextFile(join(workspace.configurationDirectory, "end"), "");
  await attacking;
  await isServed(workspace, wrapper, "five");
  assert.equal(wrapper.output.match(/is not UTF-8/g)?.length, 1, wrapper.output);
  await wrapper.stopsAt(5);
});

programTest("a working directory or setting that is not UTF-8 is refused, and why", async () => {
  await using workspace = new Workspace();
  const inFolder = 'n=$(printf "\\377"); mkdir "$n"; cd "$n"; exec "$@"';
  const outcomes = {
    [inFolder]: /cannot read the working directory: .*not valid UTF-8/,
    'ENV_FILE=$(printf "\\377") exec "$@"': /cannot read ENV_FILE: .*not valid unicode: "\\xFF"/,
  };
  for (const [script, reason] of Object.entries(outcomes)) {
    const wrapper = workspace.start({ launcher: ["sh", "-c", script, "sh"] });
    assert.equal(await wrapper.exitCode, 64, wrapper.output);
    assert.match(wrapper.output, reason);
    assert.match(wrapper.output, /nothing was started/);
    assert.doesNotMatch(wrapper.output, /bug/);
  }
});

programTest("variables that are not UTF-8 do no harm, and reach HAProxy unchanged", async () => {
  await using workspace = new Workspace();
  await workspace.replace(workspace.page("${LATIN}"));
  const script = 'LATIN=$(printf "caf\\351") exec env "$(printf "N\\377=1")" "$@"';
  const wrapper = await workspace.serve({ launcher: ["sh", "-c", script, "sh"] });
  assert.equal(await workspace.get(), "caf\ufffd");
  await isServed(workspace, wrapper, "two");
});

programTest("an env file of arbitrary bytes does no harm", async () => {
  await using workspace = new Workspace();
  const envFile = join(workspace.path, "env");
  await Deno.writeFile(envFile, new Uint8Array([0x41, 0x3d, 0xff, 0x0a]));
  const wrapper = await workspace.serve({ env: { ENV_FILE: envFile } });
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  await Deno.writeFile(envFile, bytes);
  await wrapper.says(/generation 2 rejected: env file .*generation 1 keeps serving/);
  await Deno.writeTextFile(envFile, "A=1\n");
  await isServed(workspace, wrapper, "two");
});

async function isServed(workspace: Workspace, wrapper: Wrapper, text: string): Promise<void> {
  await workspace.changeTo(text, wrapper);
  assert.doesNotMatch(wrapper.output, /bug/);
}
