/** What the program could do if it were compromised. */
import assert from "node:assert/strict";
import { programLike, programTest } from "../../support/wrapper/program.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

programTest("it can start no other program, write nowhere else and open no library", async () => {
  await using workspace = new Workspace();
  const [command, ...args] = await programLike(
    "tests/e2e/security/permissions_probe.ts",
    workspace.at("probe"),
  );
  const { stdout, stderr } = await new Deno.Command(command!, {
    args: [...args, workspace.at("file"), "/var/tmp/hrw-test-forbidden"],
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.deepEqual(JSON.parse(out || `"${err}"`), {
    "use the opened library": "done",
    "read how much memory is left": "done",
    "read anything else of the kernel": "not allowed",
    "write in its own places": "done",
    "start haproxy": "done",
    "read any variable": "done",
    "start a shell": "not allowed",
    "start a program by its path": "not allowed",
    "start another haproxy": "not allowed",
    "write elsewhere": "not allowed",
    "remove elsewhere": "not allowed",
    "open another library": "not allowed",
    "open the same library again": "not allowed",
    "signal any process": "not allowed",
    "ask for a permission": "not allowed",
    "ask for the library's permission back": "not allowed",
  });
});

programTest("the private folder is for nobody else, and goes with the wrapper", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  assert.equal(Deno.statSync(workspace.privateFolder).mode! & 0o777, 0o700);
  await wrapper.endsBy("SIGTERM", 143);
});
