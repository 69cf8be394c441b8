/** Values have their places, and ticks are round. */
import assert from "node:assert/strict";
import { linear, logarithmic, logarithmicFromZero } from "./scale.ts";

const SPAN = { from: 100, to: 200 };

Deno.test("linear: from 0 to a round value above the most", () => {
  const scale = linear(37, SPAN);
  assert.deepEqual(scale.ticks, [0, 10, 20, 30, 40]);
  assert.deepEqual([0, 20, 40].map((value) => scale.place(value)), [100, 150, 200]);
  assert.deepEqual(linear(0, SPAN).ticks.at(-1), 1);
});

Deno.test("logarithmic: 1, 2, 5, 10 … between both ends", () => {
  const scale = logarithmic(20, 2_000, SPAN);
  assert.deepEqual(scale.ticks, [20, 50, 100, 200, 500, 1_000, 2_000]);
  assert.deepEqual([20, 200, 2_000].map((value) => Math.round(scale.place(value))), [
    100,
    150,
    200,
  ]);
});

Deno.test("logarithmic from zero: zero has no length, and one has some", () => {
  const scale = logarithmicFromZero(999, SPAN);
  assert.deepEqual(scale.ticks, [0, 1, 10, 100]);
  assert.equal(scale.place(0), 100);
  assert.ok(scale.place(1) > 105);
  assert.equal(Math.round(scale.place(999)), 200);
});
