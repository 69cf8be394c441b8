import assert from "node:assert/strict";
import { readPatterns } from "../../../../lib/hot_apply/kinds/pattern_file.ts";
import type { Answer } from "../../../support/haproxy/scripted_haproxy.ts";
import { applied, plan } from "../applied.ts";

const TARGET = { tag: "map", path: "/p", id: 3 } as const;

const CREATED = "New version created: 7\n\n";
const MAP = "# hosts\r\na  1\r\n\r\nb 2 3\r\n";
const SHOWN = "0x55d0c8a4f8f0 a 1\n0x55d0c8a4f9a0 b 2 3\n\n";

Deno.test("a new version is filled and compared, and then replaces the old one", async () => {
  const [result, commands] = await applied(TARGET, MAP, [CREATED, "\n", SHOWN, "\n", SHOWN]);
  assert.deepEqual(result, { tag: "applied", detail: "2 entries" });
  assert.deepEqual(commands, [
    "prepare map #3",
    "add map @7 #3 <<\na 1\nb 2 3\n",
    "show map @7 #3",
    "commit map @7 #3",
    "show map #3",
  ]);
});

Deno.test("an ACL is applied the same way", async () => {
  const answers = [CREATED, "\n", "0x1 a;b c\n\n", "\n", "0x1 a;b c\n\n"];
  const [result, commands] = await applied({ ...TARGET, tag: "acl" }, "a;b c\n", answers);
  assert.deepEqual(result, { tag: "applied", detail: "1 entry" });
  assert.deepEqual(commands.map((command) => command.split(" ")[1]), Array(5).fill("acl"));
});

Deno.test("an empty map replaces a full one, and silence does not count as an empty map", async () => {
  const [result] = await applied(TARGET, "# nothing\n", [CREATED, "\n", "\n", "\n"]);
  assert.deepEqual(result, { tag: "applied", detail: "0 entries" });
  const reason = "HAProxy does not answer";
  const [filling, commands] = await applied(TARGET, "", [CREATED, null, null]);
  assert.deepEqual(filling, { tag: "impossible", reason });
  assert.equal(commands.at(-1), "clear map @7 #3");
  const [committed] = await applied(TARGET, "", [CREATED, "\n", "\n", null]);
  assert.deepEqual(committed, { tag: "unconfirmed", reason });
});

Deno.test("without a version nothing is filled or cleared; a version that cannot be filled is cleared", async () => {
  const [none] = await applied(TARGET, MAP, ["no\n"]);
  assert.deepEqual(none, { tag: "impossible", reason: 'HAProxy says "no"' });
  const [unfilled, commands] = await applied(TARGET, MAP, [CREATED, "no\n", "\n"]);
  assert.deepEqual(unfilled, { tag: "impossible", reason: 'HAProxy says "no"' });
  assert.equal(commands.at(-1), "clear map @7 #3");
});

const LOST: Readonly<Record<string, Answer>> = {
  "one entry is missing": "0x1 a 1\n",
  "one entry is too many": "0x1 a 1\n0x2 b 2 3\n0x3 c 4\n",
  "one entry is another": "0x1 a 1\n0x2 b 2 4\n",
  "entries are in another order": "0x2 b 2 3\n0x1 a 1\n",
  "all entries are lost": "\n",
  "nothing is answered": null,
};

for (const [what, shown] of Object.entries(LOST)) {
  Deno.test(`a version in which ${what} is cleared, not committed`, async () => {
    const [result, commands] = await applied(TARGET, MAP, [CREATED, "\n", shown, "\n"]);
    assert.equal(result.tag, "impossible");
    assert.deepEqual(commands.slice(2), ["show map @7 #3", "clear map @7 #3"]);
  });

  Deno.test(`it is unknown what is served if ${what} after the commit`, async () => {
    const [result] = await applied(TARGET, MAP, [CREATED, "\n", SHOWN, "\n", shown]);
    assert.equal(result.tag, "unconfirmed");
  });
}

Deno.test("it is unknown what is served if the commit fails", async () => {
  const answers = [CREATED, "\n", SHOWN, "Version number '7' is invalid.\n"];
  assert.equal((await applied(TARGET, MAP, answers))[0].tag, "unconfirmed");
});

function entriesOf(tag: "map" | "acl", text: string): readonly string[] {
  const patterns = readPatterns(tag, text);
  assert.ok(patterns.tag === "read");
  return patterns.entries;
}

Deno.test("a map's line is a key, one space, and a value that may hold spaces", () => {
  const text = "a 1\n \t b \t 2  3\t4 \t\nc\t5";
  assert.deepEqual(entriesOf("map", text), ["a 1", "b 2  3\t4", "c 5"]);
});

Deno.test("an ACL's line is one pattern, including trailing blanks", () => {
  assert.deepEqual(entriesOf("acl", "  a  b \n\tc\td"), ["a  b ", "c\td"]);
});

const TEXTS: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  "blank lines, comments, CRLF, and no end": [
    "# one\r\na 1\r\n\r\n \t \r\n#b 2\r\nc 3",
    ["a 1", "c 3"],
  ],
  "nothing": ["", []],
  "nothing but a comment": ["# nothing\n", []],
  "a # that does not begin a line": [" #a 1\nb #2\n", ["#a 1", "b #2"]],
  "a CR, behind which all is dropped": ["a 1\rb 2\nc 3\r\n\rd 4\ne 5\rf\rg", ["a 1", "c 3", "e 5"]],
  "the same entry twice": ["a 1\na 1\n", ["a 1", "a 1"]],
};

for (const tag of ["map", "acl"] as const) {
  for (const [what, [text, entries]] of Object.entries(TEXTS)) {
    Deno.test(`a file of kind ${tag} may hold ${what}`, () => {
      assert.deepEqual(entriesOf(tag, text), entries);
    });
  }
}

const UNFIT: Readonly<Record<string, readonly string[]>> = {
  "it holds bytes that are not text": ["a 1\n\ufffd 2\n", "a 1\0\n"],
  "a key in it has no value": ["a 1\nb\n", "b \t\n"],
  "it has more than 100000 lines": ["a 1\n".repeat(100_000)],
};

Deno.test("what HAProxy accepts only from a file is left to a reload", async () => {
  for (const [reason, texts] of Object.entries(UNFIT)) {
    for (const text of texts) {
      assert.deepEqual(await plan(TARGET, text), { tag: "impossible", reason });
    }
  }
  assert.equal(readPatterns("map", "a 1\n".repeat(99_999)).tag, "read");
});
