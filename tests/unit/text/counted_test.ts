import assert from "node:assert/strict";
import { counted } from "../../../lib/text/counted.ts";

Deno.test("only one is singular", () => {
  assert.equal(counted(0, "connection"), "0 connections");
  assert.equal(counted(1, "connection"), "1 connection");
  assert.equal(counted(2, "connection"), "2 connections");
  assert.equal(counted(2, "entry", "entries"), "2 entries");
});
