/** Right and wrong answers. */
import assert from "node:assert/strict";
import { contentOf, contentText, SLOW_BODY } from "./bodies.ts";

Deno.test("a right answer shows its content, and any other answer is wrong", () => {
  assert.equal(contentOf(contentText(7), false), 7);
  assert.equal(contentOf(SLOW_BODY, true), null);
  for (const [body, isSlow] of [["other", false], [SLOW_BODY.slice(8), true]] as const) {
    assert.throws(() => contentOf(body, isSlow), { kind: "wrong" });
  }
});
