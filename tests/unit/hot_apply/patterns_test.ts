import assert from "node:assert/strict";
import { addCommands, parseEntries, readPatterns } from "../../../lib/hot_apply/patterns.ts";

function entriesOf(kind: "map" | "acl", text: string): readonly string[] {
  const patterns = readPatterns(kind, text);
  assert.ok(patterns.tag === "read");
  return patterns.entries;
}

Deno.test("a map's line is a key, one space, and a value that may hold spaces", () => {
  const text = "a 1\n \t b \t 2  3\t4 \t\nc\t5";
  assert.deepEqual(entriesOf("map", text), ["a 1", "b 2  3\t4", "c 5"]);
});

Deno.test("an ACL's line is one pattern, with the blanks behind it", () => {
  assert.deepEqual(entriesOf("acl", "  a  b \n\tc\td"), ["a  b ", "c\td"]);
});

for (const kind of ["map", "acl"] as const) {
  Deno.test(`a file of the kind ${kind} may have blank lines, comments, CRLF, and no end`, () => {
    const text = "# one\r\na 1\r\n\r\n \t \r\n#b 2\r\nc 3";
    assert.deepEqual(entriesOf(kind, text), ["a 1", "c 3"]);
    assert.deepEqual(entriesOf(kind, ""), []);
    assert.deepEqual(entriesOf(kind, "# nothing\n"), []);
  });

  Deno.test(`in a file of the kind ${kind} a # is a comment only where a line begins`, () => {
    assert.deepEqual(entriesOf(kind, " #a 1\nb #2\n"), ["#a 1", "b #2"]);
  });

  Deno.test(`what stands behind a CR is dropped from a file of the kind ${kind}`, () => {
    assert.deepEqual(entriesOf(kind, "a 1\rb 2\nc 3\r\n\rd 4\n"), ["a 1", "c 3"]);
  });

  Deno.test(`the same entry twice stays twice in a file of the kind ${kind}`, () => {
    assert.deepEqual(entriesOf(kind, "a 1\na 1\n"), ["a 1", "a 1"]);
  });

  Deno.test(`bytes that are no text are not given to a file of the kind ${kind}`, () => {
    for (const text of ["a 1\n\ufffd 2\n", "a 1\0\n"]) {
      assert.deepEqual(readPatterns(kind, text), {
        tag: "unfit",
        reason: "it holds bytes that are no text",
      });
    }
  });
}

Deno.test("a key without a value, which HAProxy takes from a file alone, is unfit", () => {
  for (const text of ["a 1\nb\n", "b \t\n"]) {
    assert.deepEqual(readPatterns("map", text), {
      tag: "unfit",
      reason: "a key in it has no value",
    });
  }
});

const target = { id: 3, version: 7 };

Deno.test("entries of a map are added as a payload, which ends with an empty line", () => {
  assert.deepEqual(addCommands("map", ["a 1", "b\\;  2"], target), [
    "add map @7 #3 <<\na 1\nb\\;  2\n",
  ]);
});

Deno.test("patterns of an ACL are added by a command each, with what the command line would take", () => {
  assert.deepEqual(addCommands("acl", ["a", "b c;d\\e\tf"], target), [
    "add acl @7 #3 a;add acl @7 #3 b\\ c\\;d\\\\e\\\tf",
  ]);
});

Deno.test("a pattern that ends in << does not make HAProxy wait for a payload", () => {
  assert.deepEqual(addCommands("acl", ["a<<"], target), ["add acl @7 #3 a\\<\\<"]);
});

Deno.test("where nothing is to be added no command is sent", () => {
  assert.deepEqual(addCommands("map", [], target), []);
  assert.deepEqual(addCommands("acl", [], target), []);
});

/** A buffer of HAProxy may be set to as little as this, and keeps a part of it for itself. */
const SMALL_BUFFER = 8_192 - 1_024;

Deno.test("many entries come in portions, none lost, none twice, in their order", () => {
  // The second kind of letter needs three bytes each.
  for (const letter of ["a", "\u20ac"]) {
    const entries = Array.from({ length: 3_000 }, (_, index) => `${letter.repeat(20)}${index} 1`);
    const commands = addCommands("map", entries, target);
    assert.ok(commands.length > 10);
    const sizes = commands.map((command) => new TextEncoder().encode(command).length);
    assert.ok(Math.max(...sizes) < SMALL_BUFFER);
    const payloads = commands.map((command) => command.split("\n").slice(1, -1));
    assert.deepEqual(payloads.flat(), entries);
    const inAcl = addCommands("acl", entries, target);
    assert.ok(Math.max(...inAcl.map((command) => command.length)) < SMALL_BUFFER);
    assert.deepEqual(
      inAcl.flatMap((command) => command.split(";")),
      entries.map((entry) => `add acl @7 #3 ${entry.replace(" ", "\\ ")}`),
    );
  }
});

Deno.test("an entry that is longer than a portion is alone in one", () => {
  const long = `${"k".repeat(10_000)} 1`;
  assert.deepEqual(addCommands("map", ["a 1", long, "b 2"], target), [
    "add map @7 #3 <<\na 1\n",
    `add map @7 #3 <<\n${long}\n`,
    "add map @7 #3 <<\nb 2\n",
  ]);
});

Deno.test("what HAProxy shows is read without the address in front", () => {
  const answer = "0x55d0c8a4f8f0 a 1\n0x55d0c8a4f9a0 0xab 2  3\n\n";
  assert.deepEqual(parseEntries(answer), ["a 1", "0xab 2  3"]);
  assert.deepEqual(parseEntries("\n"), []);
});

Deno.test("what stands behind the first of several CRs is dropped", () => {
  const entries = ["a 1", "d 2"];
  assert.deepEqual(readPatterns("map", "a 1\rb\rc\nd 2\r\r\n"), { tag: "read", entries });
});

Deno.test("what has too many lines is unfit", () => {
  assert.equal(readPatterns("map", "a 1\n".repeat(99_999)).tag, "read");
  const patterns = readPatterns("map", "a 1\n".repeat(100_000));
  assert.deepEqual(patterns, { tag: "unfit", reason: "it has more than 100000 lines" });
});
