import assert from "node:assert/strict";
import { areCoresWanted } from "../../../lib/system/cores.ts";

Deno.test("others want the cores if more than this thread runs, or if nobody knows", () => {
  const cases = {
    "0.00 0.01 0.05 1/79 13586\n": false,
    "0.00 0.01 0.05 2/79 13586\n": true,
    "1.77 2.75 2.64 12/1079 13586\n": true,
    // As in gVisor.
    "0.00 0.00 0.00 0/0 0\n": false,
    "": true,
    "nonsense\n": true,
  };
  for (const [text, areWanted] of Object.entries(cases)) {
    assert.equal(areCoresWanted((path) => path === "/proc/loadavg" ? text : null), areWanted, text);
  }
  assert.equal(areCoresWanted(() => null), true);
});
