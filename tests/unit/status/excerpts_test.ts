import assert from "node:assert/strict";
import { linesAround, readExcerpts } from "../../../lib/status/excerpts.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const TEXT = Array.from({ length: 10 }, (_, index) => `maxconn ${index + 1}`).join("\n");

const numbersAround = (line: number) => linesAround(TEXT, line).map(({ number }) => number);

Deno.test("a line comes with up to three on each side", () => {
  assert.deepEqual(numbersAround(5), [2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(numbersAround(1), [1, 2, 3, 4]);
  assert.deepEqual(numbersAround(10), [7, 8, 9, 10]);
  assert.deepEqual(linesAround(TEXT, 1)[0], { number: 1, text: "maxconn 1" });
});

Deno.test("only the harmless part of a line is shown", () => {
  const text = "backend app\n  server s 10.0.0.1:80 hunter2\n  # hunter2";
  assert.deepEqual(linesAround(text, 2).map(({ text }) => text), [
    "backend app",
    "  server s 10.0.0.1:80 ***",
    "  # ***",
  ]);
});

Deno.test("a very long line is cut", () => {
  const long = `use_backend a if ${"b ".repeat(1_000)}`;
  assert.equal(linesAround(long, 1)[0]?.text, long.slice(0, 300));
});

Deno.test("lines that alerts name are read relative to HAProxy's directory, and only from its own files", async () => {
  await using folder = new TempFolder();
  const known = folder.write("haproxy.cfg", TEXT);
  const other = folder.write("other.cfg", TEXT);
  const alerts = [
    "[ALERT] (1) : parsing [haproxy.cfg:5] : bad",
    `[ALERT] (1) : parsing [${other}:5] : not to be shown`,
    `[ALERT] (1) : parsing [${known}:99] : beyond the end`,
    `[ALERT] (1) : parsing [${folder.at("gone.cfg")}:1] : gone`,
  ];
  const files = new Set([known, folder.at("gone.cfg")]);
  const excerpts = await readExcerpts(alerts, { files, directory: folder.path });
  assert.deepEqual(excerpts.map(({ path, line }) => [path, line]), [["haproxy.cfg", 5]]);
});
