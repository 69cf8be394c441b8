/** What is added without asking `haproxy -c` is what HAProxy takes from a file. */
import assert from "node:assert/strict";
import { ADDED_WORDS } from "../../../lib/hot_apply/servers/added_words.ts";
import { addedServer } from "../../../lib/hot_apply/servers/server_change.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { HAPROXY } from "./process.ts";

/** Some of them right for any word, and the least and the most of each kind. */
const VALUES: readonly string[] = [
  ...[
    "",
    "0",
    "1",
    "99",
    "100",
    "256",
    "257",
    "9999",
    "65535",
    "65536",
    "999999",
    "1000000",
    "2147483648",
  ],
  ...[
    "999999999",
    "1us",
    "1ms",
    "999999999ms",
    "1s",
    "999999s",
    "1000000s",
    "9999m",
    "99h",
    "100h",
  ],
  ...["1d", "25d", "-1", "01", "0x1", "a", "a.b-c_d", "a;b", "<<", "a".repeat(64), "layer4"],
  ...["layer7", "fastinter", "fail-check", "sudden-death", "mark-down", "x".repeat(65)],
];

/** All lines of one or two words that may be added. */
function addedLines(): readonly string[] {
  const single = ADDED_WORDS.flatMap((word) => VALUES.map((value) => `${word} ${value}`.trimEnd()))
    .filter(isAdded);
  const pairs = single.flatMap((one, index) => [
    ...[`check ${one}`, `agent-check agent-port 1 ${one}`],
    `${one} ${single[(index * 7) % single.length]}`,
  ]);
  return [...single, ...pairs.filter(isAdded)];
}

const FRONTEND = "frontend f\n    bind 127.0.0.1:1\n";

const lineOf = (words: string, index: number) => `server s${index} 127.0.0.1:80 ${words}`;

const isAdded = (words: string, index: number) =>
  typeof addedServer("b", { line: lineOf(words, index), defaults: "" }) !== "string";

Deno.test("HAProxy would take every server that is added from a file", async () => {
  await using folder = new TempFolder();
  const lines = addedLines();
  for (const word of ADDED_WORDS) {
    assert.ok(lines.some((line) => line.split(" ").includes(word)), word);
  }
  assert.ok(lines.length > 250, `${lines.length}`);
  const backends = ["http", "tcp"].flatMap((mode) =>
    ["roundrobin", "leastconn", "random"].flatMap((algorithm) => [
      `backend ${mode}-${algorithm}`,
      ...[`mode ${mode}`, `balance ${algorithm}`].map((line) => `    ${line}`),
      // A new server has a cookie only where the mode is HTTP.
      ...lines.map(lineOf).filter((line) => mode === "http" || !line.includes("cookie")),
    ])
  );
  const timeouts = "timeout connect 1s\n    timeout client 1s\n    timeout server 1s";
  const path = folder.write(
    "h.cfg",
    `defaults\n    ${timeouts}\n${FRONTEND}${backends.join("\n")}\n`,
  );
  const { success, stderr } = await new Deno.Command(HAPROXY, { args: ["-c", "-f", path] })
    .output();
  const complaints = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => /\[(?:ALERT|WARNING)\]/.test(line) && !/chroot|root user/.test(line));
  assert.deepEqual([...new Set(complaints)], []);
  assert.ok(success);
});
