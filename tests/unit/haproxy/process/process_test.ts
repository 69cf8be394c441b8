import assert from "node:assert/strict";
import { spawnHaproxy } from "../../../../lib/haproxy/process/process.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

/** The output of a process that runs this shell script in place of HAProxy. */
async function outputOf(script: string): Promise<string> {
  await using folder = new TempFolder();
  Deno.chmodSync(folder.write("haproxy", `#!/bin/sh\n${script}\n`), 0o755);
  const before = Deno.env.get("PATH")!;
  Deno.env.set("PATH", `${folder.path}:${before}`);
  const spawned = spawnHaproxy([], { environment: {}, output: "captured" });
  Deno.env.set("PATH", before);
  assert.ok(spawned.tag === "spawned");
  assert.equal((await spawned.process.ended).code, 3);
  return await spawned.process.output;
}

Deno.test("stdout and stderr are both captured", async () => {
  assert.equal(await outputOf("echo one; echo two >&2; exit 3"), "one\ntwo\n");
});

Deno.test("huge output is read to the end, and only its beginning is kept", async () => {
  const output = await outputOf("echo first >&2; head -c 30M /dev/zero >&2; exit 3");
  assert.match(output, /^first\n/);
  assert.equal(output.length, 1_000_000);
});
