import assert from "node:assert/strict";
import { createStdout } from "../../../lib/system/stdout.ts";

/** A pipe of which a test decides how many bytes it takes. */
class Pipe {
  room = Infinity;
  text = "";
  longestPiece = 0;
  lost: number[] = [];
  failure: Error | null = null;
  readonly stdout = createStdout({
    isWritable: () => this.room > 0,
    write: (bytes) => {
      if (this.failure !== null) throw this.failure;
      const taken = bytes.subarray(0, this.room);
      this.room -= taken.length;
      this.text += new TextDecoder().decode(taken);
      this.longestPiece = Math.max(this.longestPiece, bytes.length);
      return taken.length;
    },
    onLost: (lines) => this.lost.push(lines),
  });
}

Deno.test("a line is written at once where that takes no waiting", () => {
  const pipe = new Pipe();
  pipe.stdout.writeLine("one");
  assert.equal(pipe.text, "one\n");
});

Deno.test("a long line is written in pieces that a pipe takes as a whole", () => {
  const pipe = new Pipe();
  pipe.stdout.writeLine("x".repeat(10_000));
  assert.equal(pipe.text.length, 10_001);
  assert.equal(pipe.longestPiece, 4_096);
});

Deno.test("a line is not lost for being longer than all that may wait", async () => {
  const pipe = new Pipe();
  pipe.stdout.writeLine("x".repeat(100_000));
  pipe.room = 0;
  pipe.stdout.writeLine("y".repeat(100_000));
  pipe.stdout.writeLine("z");
  pipe.room = Infinity;
  await pipe.stdout.end();
  assert.equal(pipe.text, `${"x".repeat(100_000)}\n${"y".repeat(100_000)}\n`);
  assert.deepEqual(pipe.lost, [1]);
});

Deno.test("what a full pipe does not take comes later, whole and in order", async () => {
  const pipe = new Pipe();
  pipe.room = 6;
  pipe.stdout.writeLine("first");
  pipe.stdout.writeLine("second");
  pipe.room = 3;
  pipe.stdout.writeLine("third");
  assert.equal(pipe.text, "first\n");
  pipe.room = Infinity;
  await pipe.stdout.end();
  assert.equal(pipe.text, "first\nsecond\nthird\n");
  assert.deepEqual(pipe.lost, []);
});

Deno.test("where it would wait for all that it is not now, as of a pipe that never waits", async () => {
  const pipe = new Pipe();
  pipe.failure = new Deno.errors.WouldBlock("full");
  pipe.stdout.writeLine("one");
  pipe.failure = null;
  await pipe.stdout.end();
  assert.equal(pipe.text, "one\n");
});

Deno.test("lines that are too many are lost and counted", async () => {
  const pipe = new Pipe();
  pipe.room = 0;
  for (let number = 0; number < 100; number++) pipe.stdout.writeLine("x".repeat(1_023));
  pipe.room = Infinity;
  await pipe.stdout.end();
  assert.equal(pipe.text.length, 64 * 1_024);
  assert.deepEqual(pipe.lost, [36]);
});

Deno.test("that nobody reads any more makes nothing wait", async () => {
  const pipe = new Pipe();
  pipe.failure = new Deno.errors.BrokenPipe("gone");
  pipe.stdout.writeLine("one");
  pipe.failure = null;
  pipe.stdout.writeLine("two");
  await pipe.stdout.end();
  assert.equal(pipe.text, "two\n");
});

Deno.test("at the end nobody who does not read is waited for", async () => {
  const pipe = new Pipe();
  pipe.room = 0;
  pipe.stdout.writeLine("one");
  await pipe.stdout.end();
  assert.equal(pipe.text, "");
});
