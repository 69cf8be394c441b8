import assert from "node:assert/strict";
import {
  createLog,
  type LogEntry,
  type LogFormat,
  type LogLevel,
} from "../../../lib/system/log.ts";

const LEVELS = ["debug", "info", "warning", "error"] as const satisfies readonly LogLevel[];

/** The lines that a log of process 7 writes for `entries`. */
function linesOf(
  entries: readonly LogEntry[],
  { format, level = "info" }: { format: LogFormat; level?: LogLevel },
): string[] {
  const lines: string[] = [];
  const log = createLog({ format, level, pid: 7, write: (line) => lines.push(line) });
  entries.forEach(log);
  return lines;
}

const entry = (text: string, level: LogLevel): LogEntry => ({ level, text, fields: {} });

for (const level of LEVELS) {
  Deno.test(`a text line of level ${level} shows time, level, process and text`, () => {
    const [line] = linesOf([entry("hello", level)], { format: "text", level });
    const [, time, rest] = /^(\S+) (.*)$/.exec(line!)!;
    assert.equal(new Date(time!).toISOString(), time);
    assert.equal(rest, `${level} [7] hello`);
  });

  Deno.test(`at level ${level} nothing less important is written, in either format`, () => {
    const entries = LEVELS.map((one) => entry(one, one));
    const wanted = LEVELS.slice(LEVELS.indexOf(level));
    const texts = linesOf(entries, { format: "text", level }).map((line) => line.split("] ")[1]);
    assert.deepEqual(texts, wanted);
    const json = linesOf(entries, { format: "json", level }).map((line) => JSON.parse(line).level);
    assert.deepEqual(json, wanted);
  });
}

Deno.test("a JSON line shows the same, and every field by name", () => {
  const fields = { generation: 2, reason: "a change", changed: ["/a"], durationMs: 31 };
  const [line] = linesOf([{ level: "warning", text: "hello", fields }], { format: "json" });
  const { time, ...rest } = JSON.parse(line!);
  assert.equal(new Date(time).toISOString(), time);
  assert.deepEqual(rest, { level: "warning", pid: 7, text: "hello", ...fields });
});

const HIDDEN = "\n\u001b[2J\r\u007f\u0085\u009b31m\u202e\u2066\u200f\u2028\ufeff";

for (const format of ["text", "json"] as const) {
  Deno.test(`nothing in a ${format} line breaks it, moves a terminal's cursor or reverses the text`, () => {
    const fields = { reason: HIDDEN, changed: [HIDDEN] };
    const [line] = linesOf([{ level: "info", text: `é"${HIDDEN}"`, fields }], { format });
    for (const one of HIDDEN.replaceAll(/[[2J31m]/g, "")) assert.ok(!line!.includes(one), line);
    assert.ok(line!.includes("é"));
    if (format === "json") assert.equal(JSON.parse(line!).text, `é"${HIDDEN}"`);
  });
}
