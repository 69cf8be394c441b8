import assert from "node:assert/strict";
import { createStdout } from "../../../lib/system/stdout.ts";

/** A pipe that takes as many bytes as the test decides. */
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

Deno.test("a long line is written in pieces that a pipe takes whole", () => {
  const pipe = new Pipe();
  pipe.stdout.writeLine("x".repeat(10_000));
  assert.equal(pipe.text.length, 10_001);
  assert.equal(pipe.longestPiece, 4_096);
});

Deno.test("a line longer than the whole buffer is not lost", async () => {
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

Deno.test("lines that a full pipe does not take are written later, whole and in order", async () => {
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

Deno.test("bytes that a non-blocking pipe refuses are written later", async () => {
  const pipe = new Pipe();
  pipe.failure = new Deno.errors.WouldBlock("full");
  pipe.stdout.writeLine("one");
  pipe.failure = null;
  await pipe.stdout.end();
  assert.equal(pipe.text, "one\n");
});

Deno.test("lines are lost and counted if too many are waiting", async () => {
  const pipe = new Pipe();
  pipe.room = 0;
  for (let number = 0; number < 100; number++) pipe.stdout.writeLine("x".repeat(1_023));
  pipe.room = Infinity;
  await pipe.stdout.end();
  assert.equal(pipe.text.length, 64 * 1_024);
  assert.deepEqual(pipe.lost, [36]);
});

Deno.test("a reader that is gone blocks nothing", async () => {
  const pipe = new Pipe();
  pipe.failure = new Deno.errors.BrokenPipe("gone");
  pipe.stdout.writeLine("one");
  pipe.failure = null;
  pipe.stdout.writeLine("two");
  await pipe.stdout.end();
  assert.equal(pipe.text, "two\n");
});

Deno.test("the end does not wait for a stalled reader", async () => {
  const pipe = new Pipe();
  pipe.room = 0;
  pipe.stdout.writeLine("one");
  await pipe.stdout.end();
  assert.equal(pipe.text, "");
});
