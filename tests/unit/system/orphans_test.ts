/** Which of the ended children are reaped, and when. */
import assert from "node:assert/strict";
import { createReaper } from "../../../lib/system/orphans.ts";

/** The kernel's list of ended children, which shows only the first. */
class EndedChildren {
  readonly pids: number[];
  readonly reaped: number[] = [];
  readonly waiting: (() => void)[] = [];
  readonly reap: () => void;

  constructor(pids: readonly number[], own: ReadonlySet<number>) {
    this.pids = [...pids];
    this.reap = createReaper({
      libc: {
        endedChild: () => this.pids[0] ?? null,
        reap: (pid) => {
          this.reaped.push(pid);
          this.#forget(pid);
        },
      },
      isOwnChild: (pid) => own.has(pid),
      later: (work) => this.waiting.push(work),
    });
  }

  /** Deno takes the status of its own child. */
  denoReaps(pid: number): void {
    this.#forget(pid);
  }

  #forget(pid: number): void {
    this.pids.splice(this.pids.indexOf(pid), 1);
  }
}

Deno.test("all orphans are reaped at once", () => {
  const children = new EndedChildren([5, 6, 7], new Set());
  children.reap();
  assert.deepEqual(children.reaped, [5, 6, 7]);
  assert.equal(children.waiting.length, 0);
});

Deno.test("without an ended child nothing happens", () => {
  const children = new EndedChildren([], new Set([1]));
  children.reap();
  assert.deepEqual([children.reaped, children.waiting], [[], []]);
});

Deno.test("our own child is left to Deno, and the orphans behind it are reaped afterwards", () => {
  const children = new EndedChildren([5, 6, 7], new Set([6]));
  children.reap();
  assert.deepEqual(children.reaped, [5]);
  children.reap();
  assert.equal(children.waiting.length, 1, "one timer, however many signals come");
  children.waiting.pop()!();
  assert.equal(children.waiting.length, 1, "as long as Deno has not reaped its child");
  children.denoReaps(6);
  children.waiting.pop()!();
  assert.deepEqual(children.reaped, [5, 7]);
  assert.equal(children.waiting.length, 0);
});
