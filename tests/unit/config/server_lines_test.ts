import assert from "node:assert/strict";
import {
  readSection,
  sectionTexts,
  serverLines,
  withoutServers,
} from "../../../lib/config/server_lines.ts";

const FILE = `# written at noon
global
    maxconn 100

defaults
    mode http
    default-server inter 2s
frontend web
    bind :80
backend app from d # main
    balance leastconn
    server s1 10.0.0.1:80 check
  server\ts2 10.0.0.2:80
    server-template t 3 10.0.0.3:80
peers p
    server mine 127.0.0.1:1`;

Deno.test("all but servers, comments and blank lines is left", () => {
  const rest = withoutServers([FILE])!;
  assert.doesNotMatch(rest, /^\s*server\s|noon|\n\n/m);
  assert.match(rest, /^global\n {4}maxconn 100\ndefaults\n/);
  assert.match(rest, /balance leastconn\n {4}server-template t 3/);
});

Deno.test("other servers, comments and blank lines leave the same", () => {
  const other = FILE.replace("10.0.0.1:80 check", "10.0.0.9:8080").replace("noon", "night")
    .replace("    balance", "\n\n# here\n    balance");
  assert.equal(withoutServers([other]), withoutServers([FILE]));
  assert.equal(withoutServers([`${FILE}\n`]), withoutServers([FILE]));
});

for (
  const [what, pattern, text] of [
    ["another word", "leastconn", "roundrobin"],
    ["a server-template", "t 3", "t 4"],
    ["default-server", "inter 2s", "inter 3s"],
    ["a section's name", "backend app", "backend ape"],
  ] as const
) {
  Deno.test(`${what} makes a difference`, () => {
    assert.notEqual(withoutServers([FILE.replace(pattern, text)]), withoutServers([FILE]));
  });
}

Deno.test("where lines are divided into files makes a difference", () => {
  const [first = "", second = ""] = FILE.split("backend");
  assert.notEqual(withoutServers([first, `backend${second}`]), withoutServers([FILE]));
});

Deno.test("lines that a condition may leave out are not compared", () => {
  assert.equal(withoutServers([FILE, ".if defined(X)\n.endif\n"]), null);
});

Deno.test("each section has its own servers, in all files", () => {
  const sections = sectionTexts(serverLines([FILE, "listen web\r\n  server a b:1\r\n"]))
    .map(readSection);
  assert.deepEqual(sections.map(({ kind, name }) => `${kind} ${name}`.trim()), [
    ...["global", "defaults", "frontend web", "backend app", "peers p", "", "listen web"],
  ]);
  assert.deepEqual(sections[3], {
    ...{ kind: "backend", name: "app", from: "d" },
    lines: [
      ...["balance leastconn", "server s1 10.0.0.1:80 check", "server\ts2 10.0.0.2:80"],
      "server-template t 3 10.0.0.3:80",
    ],
  });
  assert.deepEqual(sections[1]!.lines, ["default-server inter 2s"]);
  assert.deepEqual(sections[6]!.lines, ["server a b:1"]);
});

Deno.test("words that only begin like a section's begin none", () => {
  const text =
    "backend b\n  server a 1.1.1.1:1\n  backends x\n  cache-use c\n  server c 1.1.1.1:2\n";
  const [only, ...others] = sectionTexts(serverLines([text]));
  assert.deepEqual(others, []);
  assert.deepEqual(readSection(only!).lines, ["server a 1.1.1.1:1", "server c 1.1.1.1:2"]);
});
