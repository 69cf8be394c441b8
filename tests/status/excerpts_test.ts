import assert from "node:assert/strict";
import { linesAround, readExcerpts } from "../../lib/status/excerpts.ts";
import { TempFolder } from "../temp_folder.ts";

const TEXT = Array.from({ length: 10 }, (_, index) => `line ${index + 1}`).join("\n");

const numbersAround = (line: number) => linesAround(TEXT, line).map(({ number }) => number);

Deno.test("a line comes with three on each side, as far as there are any", () => {
  assert.deepEqual(numbersAround(5), [2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(numbersAround(1), [1, 2, 3, 4]);
  assert.deepEqual(numbersAround(10), [7, 8, 9, 10]);
  assert.deepEqual(linesAround(TEXT, 1)[0], { number: 1, text: "line 1" });
});

const SECRETS = {
  "  user a insecure-password hunter2 groups g": "  user a insecure-password *** groups g",
  "  user a password $6$x": "  user a password ***",
  "stats auth admin:hunter2": "stats auth ***",
  "setenv TOKEN a b": "setenv TOKEN ***",
  'http-request set-header Authorization "Bearer abc def"':
    "http-request set-header Authorization ***",
  "http-request auth realm x": "http-request auth *** x",
  "bind :443 ssl crt /certs/password.pem": "bind :443 ssl crt /certs/password.pem",
};

for (const [line, shown] of Object.entries(SECRETS)) {
  Deno.test(`of ${line} no secret is shown`, () => {
    assert.equal(linesAround(line, 1)[0]?.text, shown);
  });
}

Deno.test("a very long line is cut", () => {
  assert.equal(linesAround("x".repeat(1_000), 1)[0]?.text.length, 300);
});

Deno.test("what alerts name is read, relative to HAProxy's directory, from its own files alone", async () => {
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
