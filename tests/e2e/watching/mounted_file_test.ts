/** A configuration that is mounted as a single file, as by `docker run -v FILE:FILE`. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { BY_EVENTS, RUNNABLE } from "../../support/wrapper/program.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const NEEDS = [RUNNABLE, ROOT];

testNeeding(NEEDS, "a mounted file causes a warning, and is seen when it changes", async () => {
  await using workspace = new Workspace();
  const { wrapper, outside } = await serveMountedFile(workspace);
  assert.match(
    wrapper.output,
    /warning .*haproxy\.cfg" is mounted as a single file: .*directory/,
  );
  await Deno.writeTextFile(outside, workspace.page("two"));
  await workspace.serves("two", wrapper);
  await workspace.replace(workspace.page("three"), outside);
  await wrapper.says(/warning .*mounted at ".*haproxy\.cfg" was replaced or removed outside/);
  await workspace.replace(workspace.page("four"), outside);
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 3 serves/);
  assert.equal(await workspace.get(), "two");
  for (const once of [/is mounted as a single file/g, /was replaced/g]) {
    assert.equal(wrapper.output.match(once)?.length, 1, wrapper.output);
  }
});

testNeeding(NEEDS, "a mounted file that vanishes keeps no other from being watched", async () => {
  await using workspace = new Workspace();
  const outside = join(workspace.path, "outside.cfg");
  const other = join(workspace.configurationDirectory, "other.cfg");
  await Deno.writeTextFile(outside, "# a comment\n");
  await Deno.writeTextFile(other, "");
  // Whoever removes the mount point from another mount namespace ends the mount in this one.
  const wrapper = await workspace.serve({
    launcher: [
      "unshare",
      "--mount",
      "sh",
      "-c",
      `mount --bind ${outside} ${other} && exec "$@"`,
      "sh",
    ],
    args: ["-f", workspace.configurationDirectory, ...BY_EVENTS],
  });
  await Deno.remove(other);
  await workspace.serves("one", wrapper);
  await workspace.changeTo("two", wrapper);
});

testNeeding(NEEDS, "a mounted directory is nothing to warn of", async () => {
  await using workspace = new Workspace();
  const mount = 'mount --bind "$0" "$0" && exec "$@"';
  const wrapper = await workspace.serve({
    launcher: ["unshare", "--mount", "sh", "-c", mount, workspace.configurationDirectory],
  });
  await workspace.changeTo("two", wrapper);
  assert.doesNotMatch(wrapper.output, /mounted/);
});

/** Without a poll, so that only events count. `outside` is the file behind the mount. */
async function serveMountedFile(
  workspace: Workspace,
): Promise<{ readonly wrapper: Wrapper; readonly outside: string }> {
  const outside = join(workspace.path, "outside.cfg");
  await Deno.copyFile(workspace.configuration, outside);
  const mount = `mount --bind ${outside} ${workspace.configuration} && exec "$@"`;
  const wrapper = await workspace.serve({
    launcher: ["unshare", "--mount", "sh", "-c", mount, "sh"],
    flags: BY_EVENTS,
  });
  return { wrapper, outside };
}
