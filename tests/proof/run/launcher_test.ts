/** The launcher names the other Debian's loader and libraries. */
import assert from "node:assert/strict";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { launcherFor } from "./launcher.ts";

Deno.test("the other Debian's loader starts its HAProxy under the launcher's own name", async () => {
  await using folder = new TempFolder();
  const root = `${folder.path}/it's`;
  folder.write("it's/lib/ld-linux-aarch64.so.1");
  const script = launcherFor(root);
  const quoted = root.replace("'", "'\\''");
  assert.match(script, /^#!\/bin\/sh\nexec /);
  for (
    const words of [
      `'${quoted}/lib/ld-linux-aarch64.so.1' --argv0 "$0" --library-path`,
      `${quoted}/usr/lib/aarch64-linux-gnu:`,
      `'${quoted}/usr/sbin/haproxy' "$@"\n`,
    ]
  ) assert.ok(script.includes(words), `${words} in ${script}`);
});

Deno.test("a folder without a loader is no root folder", async () => {
  await using folder = new TempFolder();
  assert.throws(() => launcherFor(folder.path), /found no lib64.*in "\/tmp/);
});
