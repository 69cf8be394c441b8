import assert from "node:assert/strict";
import { formatDuration, parseDuration } from "../../../lib/text/duration.ts";

const READ: Readonly<Record<string, number>> = {
  "0": 0,
  "0s": 0,
  "500ms": 500,
  "1m30s": 90_000,
  "1.5h": 5_400_000,
  ".5s": 500,
  "2.s": 2_000,
  "1h1m1s1ms": 3_661_001,
  "1us": 0.001,
  "1µs": 0.001,
  "1μs": 0.001,
  "1000000ns": 1,
  "30s1m": 90_000,
};

for (const [text, ms] of Object.entries(READ)) {
  Deno.test(`"${text}" is a duration of ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}

const REFUSED = ["", "5", "-1s", "1 s", " 1s", "1s ", "1d", "s", ".s", "1.2.3s", "1e3s", "1S"];

for (const text of REFUSED) {
  Deno.test(`"${text}" is not a duration`, () => assert.equal(parseDuration(text), null));
}

const WRITTEN: Readonly<Record<string, number>> = {
  "0ms": 0,
  "31ms": 31.4,
  "999ms": 999,
  "1s": 1_000,
  "41.2s": 41_200,
  "59.9s": 59_900,
  "1m": 60_000,
  "1m30s": 90_000,
  "1h": 3_600_000,
  "1h1s": 3_601_000,
  "25h1m2s": 90_062_000,
};

for (const [text, ms] of Object.entries(WRITTEN)) {
  Deno.test(`${ms} ms are written as "${text}"`, () => assert.equal(formatDuration(ms), text));
}
