/** The C library's answers, and that nothing else can be opened once it has been. */
import assert from "node:assert/strict";
import { type Libc, LIBC_PATHS, openLibc } from "../lib/libc.ts";

// The permission is given back for the whole file, so there is one for all tests.
const libc = await openLibc();

Deno.test("after it was opened nothing else can be", () => {
  assert.throws(() => Deno.dlopen(LIBC_PATHS[0], {}), Deno.errors.NotCapable);
});

Deno.test("where it may not be opened there is none, and that is no error", async () => {
  assert.equal(await openLibc(), null);
});

Deno.test("a mount root is told from what is below it", () => {
  assert.equal(opened().isMountRoot("/"), true);
  assert.equal(opened().isMountRoot("/proc"), true);
  assert.equal(opened().isMountRoot("/proc/self/status"), false);
  assert.equal(opened().isMountRoot(import.meta.filename!), false);
  assert.equal(opened().isMountRoot("/no/such/file"), false);
});

Deno.test("without an ended child none is shown", () => {
  assert.equal(opened().endedChild(), null);
});

Deno.test("memory is given back without harm", () => {
  opened().trimMemory();
  assert.equal(opened().endedChild(), null);
});

function opened(): Libc {
  assert.notEqual(libc, null, "the C library could not be opened");
  return libc!;
}
