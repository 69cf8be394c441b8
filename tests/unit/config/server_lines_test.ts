import assert from "node:assert/strict";
import {
  arePlain,
  haveSameNaming,
  haveSameRest,
  readSection,
  restOf,
  sectionTexts,
  serverLines,
} from "../../../lib/config/server_lines.ts";
import { createRandom } from "../../support/random.ts";

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
    server mine 127.0.0.1:1
`;

Deno.test("all but servers, maxconn, comments and blank lines is left", () => {
  const rest = restOf([FILE]);
  assert.doesNotMatch(rest, /^\s*server\s|noon|\n\n|maxconn/m);
  assert.match(rest, /^\nglobal\ndefaults\n/);
  assert.match(rest, /balance leastconn\n {4}server-template t 3/);
});

Deno.test("other servers, comments and blank lines leave the same", () => {
  const other = FILE.replace("10.0.0.1:80 check", "10.0.0.9:8080").replace("noon", "night")
    .replace("    balance", "\n \n# here\n\r\n    balance").replace("100", "200 # more");
  assert.ok(haveSameRest([other], [FILE]));
  assert.ok(haveSameRest([`${FILE}\n\n`], [FILE]));
});

Deno.test("a last line that is cut off makes a difference, even that of a server", () => {
  for (const end of [-1, -2]) {
    assert.ok(!haveSameRest([FILE.slice(0, end)], [FILE]));
  }
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
    assert.ok(!haveSameRest([FILE.replace(pattern, text)], [FILE]));
  });
}

Deno.test("where lines are divided into files makes a difference", () => {
  const [first = "", second = ""] = FILE.split("backend");
  assert.ok(!haveSameRest([first, `backend${second}`], [FILE]));
});

for (
  const [what, text] of [
    ["a condition", "  .if defined(X)\n.endif\n"],
    ["no end of the last line", "backend b\n  server s1 127.0.0.1:8"],
    ["a NUL in a comment", "# no\0te\n"],
    ["bytes that are not text", "# no\ufffdte\n"],
    ["another end of a line to JavaScript", "# note\u2028 server s9 127.0.0.1:99\n"],
    ["a CR within a line", "# note\r server s9 127.0.0.1:99\n"],
    ["a section whose keyword is quoted", '"backend" b\n'],
    ["a keyword that is quoted in part", "  use-ser'ver' s1 if TRUE\n"],
    ["a keyword with a backslash", "bac\\kend b\n"],
    ["a keyword behind a form feed", "\fbackend b\n"],
    ["words that a form feed parts", "balance\fsource\n"],
    ["the number of a line", 'backend b\n  http-request set-header l "${.LINE}"\n'],
  ] as const
) {
  Deno.test(`${what} makes lines that cannot be told for sure`, () => {
    assert.equal(arePlain([FILE, text]), false);
  });
}

Deno.test("quotes behind the first word, CRLF and empty files do no harm", () => {
  assert.ok(arePlain([FILE, "", 'backend b\r\n  log-format "it\'s \\"%T"\r\n# "it\'s"\r\n']));
});

Deno.test("only servers in which a file may be named matter to what is named", () => {
  const text = "server a b:1 crt /f # here\nserver c d:1 check\n  server e f:1 ca-file /g\r\n";
  const isSame = (next: string) => haveSameNaming([text], [next], /crt|file/);
  assert.ok(isSame(text.replace("check", "weight 5")));
  assert.ok(isSame(`# crt\n${text}`));
  assert.ok(!isSame(text.replace("/g", "/h")));
  assert.ok(!isSame(text.replace("check", "crt /f")));
});

Deno.test("whether the rest is the same does not depend on where the differences are", () => {
  const random = createRandom(7);
  const line = () =>
    random.pick([
      ...[
        "server s1 1.1.1.1:1",
        "server s2 1.1.1.1:1",
        "  server s1 1.1.1.1:1 weight 5",
        "",
        "# x",
      ],
      ...["maxconn 5", " maxconn 6", "maxconn 5s", "backend a", "backend b", "balance source"],
    ]);
  const edited = (lines: readonly string[]) => {
    const next = [...lines];
    for (let count = random.below(3); count >= 0; count--) {
      next.splice(
        random.below(next.length + 1),
        random.below(2),
        ...random.below(2) ? [line()] : [],
      );
    }
    return next;
  };
  let same = 0;
  for (let round = 0; round < 3_000; round++) {
    const lines = Array.from({ length: random.below(round % 100 === 0 ? 3_000 : 8) }, line);
    const end = random.below(9) === 0 ? "" : "\n";
    const [before, after] = [lines, edited(lines)].map((all) => all.join("\n") + end);
    const isSame = restOf([before!]) === restOf([after!]);
    assert.equal(haveSameRest([before!], [after!]), isSame, JSON.stringify([before, after]));
    if (isSame) same++;
  }
  assert.ok(same > 500 && same < 2_500, `${same}`);
});

Deno.test("each section has its own servers, in all files", () => {
  const sections = sectionTexts(serverLines([FILE, "listen web\r\n  server a b:1\r\n"]))
    .map(readSection);
  assert.deepEqual(sections.map(({ kind, name }) => `${kind} ${name}`.trim()), [
    ...["global", "defaults", "frontend web", "backend app", "peers p", "", "listen web"],
  ]);
  assert.deepEqual(sections[3], {
    kind: "backend",
    name: "app",
    from: "d",
    lines: [
      ...["balance leastconn", "server s1 10.0.0.1:80 check", "server\ts2 10.0.0.2:80"],
      "server-template t 3 10.0.0.3:80",
    ],
  });
  assert.deepEqual(sections[1]!.lines, ["mode http", "default-server inter 2s"]);
  assert.deepEqual(sections[6]!.lines, ["server a b:1"]);
});

Deno.test("words that only begin like a section's begin none", () => {
  const text =
    "backend b\n  server a 1.1.1.1:1\n  backends x\n  cache-use c\n  server c 1.1.1.1:2\n";
  const [only, ...others] = sectionTexts(serverLines([text]));
  assert.deepEqual(others, []);
  assert.deepEqual(readSection(only!).lines, ["server a 1.1.1.1:1", "server c 1.1.1.1:2"]);
});

Deno.test("millions of lines in a row do not overflow the stack", () => {
  const text = `backend b\n${"\n".repeat(5_000_000)}`;
  assert.equal(restOf([text]), "\nbackend b\n");
  const servers = "server s 10.0.0.1:1\n".repeat(300_000);
  assert.equal(serverLines([`backend b\n${servers}`]).length, `backend b\n${servers}`.length - 1);
});
