/** Each way in which a request can fail has its name. */
import assert from "node:assert/strict";
import { type Circumstances, type End, failureOf } from "./failures.ts";

const CLOSED: End = { tag: "closed" };
const RESET: End = { tag: "failed", error: new Deno.errors.ConnectionReset("reset by peer") };
const REFUSED: End = { tag: "failed", error: new Deno.errors.ConnectionRefused("refused") };
const NO_NOTIFY: End = { tag: "failed", error: new Deno.errors.UnexpectedEof("no close_notify") };

const CASES: readonly (readonly [string, End, Circumstances["phase"], wasIdle: boolean])[] = [
  ["refused", REFUSED, "connecting", false],
  ["reset", RESET, "connecting", false],
  ["cut", NO_NOTIFY, "connecting", false],
  ["reset", RESET, "asked", false],
  ["empty", CLOSED, "asked", false],
  ["empty", NO_NOTIFY, "asked", false],
  ["idle_closing", RESET, "asked", true],
  ["idle_closing", CLOSED, "asked", true],
  ["idle_closing", NO_NOTIFY, "asked", true],
  ["cut", CLOSED, "answering", false],
  ["cut", CLOSED, "answering", true],
  ["cut", RESET, "answering", true],
];

for (const [kind, end, phase, wasIdle] of CASES) {
  const how = end.tag === "closed" ? "closed" : end.error.name;
  Deno.test(`${how} while ${phase}${wasIdle ? " on an idle connection" : ""} is "${kind}"`, () => {
    const failure = failureOf(end, { phase, wasIdle });
    assert.equal(failure.kind, kind);
    assert.match(failure.message, new RegExp(`${phase}`));
  });
}
