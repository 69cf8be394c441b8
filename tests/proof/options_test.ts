/** The proof's options, and all problems with them together. */
import assert from "node:assert/strict";
import { commandOf, readOptions } from "./options.ts";

Deno.test("by default all three contestants reload 1,000 times", () => {
  assert.deepEqual(readOptions([]), {
    problems: [],
    options: {
      until: { reloads: 1_000 },
      only: ["wrapper", "by-hand", "master-worker"],
      haproxy: null,
      svg: null,
      json: null,
      from: [],
    },
  });
});

Deno.test("a number of reloads, hours or minutes; some contestants, in the order of their turns", () => {
  const { options } = readOptions(["--reloads", "5", "--only", "by-hand", "--only=wrapper"]);
  assert.deepEqual(options.until, { reloads: 5 });
  assert.deepEqual(options.only, ["wrapper", "by-hand"]);
  assert.deepEqual(readOptions(["--hours", "1.5"]).options.until, { ms: 5_400_000 });
  assert.deepEqual(readOptions(["--minutes=2"]).options.until, { ms: 120_000 });
});

Deno.test("several earlier runs", () => {
  assert.deepEqual(readOptions(["--from", "a", "--from=b"]).options.from, ["a", "b"]);
});

Deno.test("the command that repeats a run names no paths", () => {
  const command = (...args: readonly string[]) => commandOf(readOptions(args).options);
  assert.equal(command("--json", "/a", "--reloads", "1000"), "deno task proof");
  assert.equal(
    command("--reloads", "30", "--haproxy", "/b", "--only", "wrapper"),
    "deno task proof --reloads 30 --only wrapper --haproxy PATH",
  );
  assert.equal(command("--hours", "2"), "deno task proof --minutes 120");
});

Deno.test("all problems are reported", () => {
  const args = ["--reloads", "1.5", "--hours=-1", "--only", "nobody", "--fast", "word", "--from="];
  assert.deepEqual(readOptions([...args, "--svg"]).problems, [
    'found "--fast", which is no option',
    'found "word", which is no option',
    "--svg: wanted a value, found none",
    "--from: wanted a value, found none",
    '--reloads: found "1.5", wanted a whole number above 0',
    '--hours: found "-1", wanted a number above 0',
    "found --reloads and --hours, wanted one of them",
    '--only: found "nobody", wanted one of wrapper, by-hand, master-worker',
  ]);
});
