import assert from "node:assert/strict";
import {
  blocksOf,
  quotedWord,
  readConfiguration,
  readPlacedConfiguration,
} from "../../../lib/config/tokens.ts";
import { createRandom } from "../../support/random.ts";

const ENVIRONMENT = { SET: "a b", EMPTY: "", ABSENT: undefined };

/** What the manual leaves open was checked on HAProxy 2.6.12 and 3.0.11. */
const WORDS: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  "blanks of all kinds separate words": [" a\tb \v c\f", ["a", "b", "c"]],
  "a no-break space separates nothing": ["a\u00a0b c", ["a\u00a0b", "c"]],
  "a hash ends the line, even within a word": ["ab#cd e", ["ab"]],
  "an escaped or quoted hash does not": [`a\\#b "c#" 'd#' # e`, ["a#b", "c#", "d#"]],
  "escapes outside quotes": [
    `a\\ b\\\\c\\'d\\"e\\n\\r\\t\\x41`,
    [`a b\\c'd"e\n\r\tA`],
  ],
  "unknown escapes keep their backslash": ["y\\qz \\$SET \\xg1", ["y\\qz", "\\$SET", "\\xg1"]],
  "a backslash does not escape a tab": ["a\\\tb", ["a\\", "b"]],
  "a backslash may end the line": ["a b\\", ["a", "b\\"]],
  "single quotes are raw": [`'a\\n"$SET#\\' b`, [`a\\n"$SET#\\`, "b"]],
  "escapes work in double quotes": [
    `"a\\ b\\"c\\'d\\$SET\\\\\\x41\\n\\q"`,
    [`a b"c'd$SET\\A\n\\q`],
  ],
  "a word may consist of several pieces": [`a"b c"'d e'\\ f`, ["ab cd e f"]],
  "quotes may be empty": [`a "" '' b`, ["a", "", "", "b"]],
  "an open quote extends to the end of the line": [`a "b c`, ["a", "b c"]],
  "variables are expanded in double quotes": [`"$SET" "x\${SET}y" "$SET."`, [
    "a b",
    "xa by",
    "a b.",
  ]],
  "and nowhere else": [`$SET '\${SET}' \${SET}`, ["$SET", "${SET}", "${SET}"]],
  "a default stands in for an unknown variable, not for an empty one": [
    `"\${NONE-d e}" "\${EMPTY-d}" "\${SET-d}" "\${ABSENT-}x"`,
    ["d e", "", "a b", "x"],
  ],
  "a default is not expanded": [`"\${NONE-$SET}"`, ["$SET"]],
  "an unknown variable is empty": [`"x$NONE" "\${NONE}y" "\${ABSENT}/z"`, ["x", "y", "/z"]],
  "a word that is just an unknown variable is dropped": [`a "$NONE" "\${ABSENT}" b`, ["a", "b"]],
  "an inherited property is not a variable": [`"x\${constructor}" "\${toString-y}"`, ["x", "y"]],
  "a variable may become several words": [
    `x "\${SET[*]}" "y\${SET[*]}z" "\${NONE[*]-c d}"`,
    ["x", "a", "b", "ya", "bz", "c", "d"],
  ],
  "a dollar that does not begin a variable stays": [`"^a$" "$1"`, ["^a$", "$1"]],
};

for (const [behaviour, [line, words]] of Object.entries(WORDS)) {
  Deno.test(`tokens: ${behaviour}`, () => {
    assert.deepEqual(readConfiguration(line, ENVIRONMENT).lines, [{ number: 1, words }]);
  });
}

Deno.test("tokens: blank lines and comments count but give no entry", () => {
  const text = '\n  \n# a\n  # b "\nglobal # c\n\t\n"$NONE"\n  daemon';
  assert.deepEqual(readConfiguration(text, {}).lines, [
    { number: 5, words: ["global"] },
    { number: 8, words: ["daemon"] },
  ]);
});

Deno.test("tokens: skipping lines changes neither those that are wanted nor their numbers", () => {
  const random = createRandom(41);
  const pieces = ["crt a", "map\tb", " ech c", "x -f", "nothing", "\r", "# file", "", "\u2028 map"];
  const wanted = /crt|map|file|-f\s|\sech\s/;
  const read = (text: string, filter?: RegExp) =>
    readConfiguration(text, {}, filter).lines.filter(({ words }) => wanted.test(words.join(" ")))
      .map(({ number, words }) => `${number} ${words.join(" ")}`);
  for (let run = 0; run < 2_000; run++) {
    const lines = Array.from({ length: random.below(8) }, () => random.pick(pieces));
    const text = lines.join("\n");
    assert.deepEqual(read(text, wanted), read(text), JSON.stringify(text));
  }
});

Deno.test("tokens: Windows line endings", () => {
  assert.deepEqual(readConfiguration('a b\r\n\r\n"c" d\\\r\n# e\r\n', {}).lines, [
    { number: 1, words: ["a", "b"] },
    { number: 3, words: ["c", "d\\"] },
  ]);
});

const CHANGED: Readonly<Record<string, readonly [string, string]>> = {
  "setenv sets and replaces": ['setenv A new\nsetenv C "$A!"', "new,old,new!"],
  "presetenv sets only what is unset": ["presetenv A new\npresetenv C new", "old,old,new"],
  "an empty variable is set": ["presetenv EMPTY new", "old,old,-"],
  "unsetenv removes what it names": ["unsetenv A B NONE", "-,-,-"],
  "resetenv removes what it does not name": ["resetenv B", "-,old,-"],
  "a name without a value changes nothing": ["setenv A\npresetenv C", "old,old,-"],
};

for (const [behaviour, [text, expected]] of Object.entries(CHANGED)) {
  Deno.test(`tokens: ${behaviour}`, () => {
    const before = Object.freeze({ A: "old", B: "old", EMPTY: "" });
    const first = readConfiguration(text, before);
    const last = readConfiguration('"${A--},${B--},${C--}"', first.environment);
    assert.deepEqual(last.lines[0]!.words, [expected]);
  });
}

Deno.test("tokens: a variable changes only for later lines", () => {
  const { lines, environment } = readConfiguration('"a$A"\nsetenv A 1\n"a$A"', { B: "2" });
  assert.deepEqual(lines.map(({ words }) => words[0]), ["a", "setenv", "a1"]);
  assert.deepEqual(environment, { A: "1", B: "2" });
});

for (const [behaviour, [line, words]] of Object.entries(WORDS)) {
  Deno.test(`tokens: with their spans, ${behaviour}`, () => {
    const [placed] = readPlacedConfiguration(line, ENVIRONMENT).lines;
    assert.deepEqual(placed?.words, words);
    assert.equal(placed?.spans.length, words.length);
    for (const [index, { offset, length }] of placed.spans.entries()) {
      const alone = readConfiguration(line.slice(offset, offset + length), ENVIRONMENT);
      assert.ok(alone.lines[0]?.words.includes(words[index]!), `${offset}+${length}`);
    }
  });
}

Deno.test("tokens: words from the same variable share a span", () => {
  const [line] = readPlacedConfiguration(`a "x\${SET[*]}"  'b'# c`, ENVIRONMENT).lines;
  assert.deepEqual(line, {
    number: 1,
    words: ["a", "xa", "b", "b"],
    spans: [
      { offset: 0, length: 1 },
      { offset: 2, length: 12 },
      { offset: 2, length: 12 },
      { offset: 16, length: 3 },
    ],
  });
});

for (
  const word of ["", "a", "a b", `'"\\$SET "\${SET}"#`, "'", "''", "a\nb\r\tc", "\\", "é\u00a0"]
) {
  Deno.test(`tokens: ${JSON.stringify(word)} is read as it was written`, () => {
    const line = `x ${quotedWord(word)} y`;
    assert.deepEqual(readConfiguration(line, ENVIRONMENT).lines[0]?.words, ["x", word, "y"]);
  });
}

Deno.test("tokens: a variable may stand for more words than a call can have arguments", () => {
  const A = "a ".repeat(200_000);
  const { lines } = readConfiguration('bind "${A[*]}"', { A }, /bind/);
  assert.ok(lines[0]!.words.length > 200_000);
});

Deno.test("tokens: blocks hold all lines of a text, each with the number of lines before it", () => {
  const lines = Array.from({ length: 30_000 }, (_, index) => "x".repeat(index % 17));
  for (const text of ["", "\n", "a", "a\n", lines.join("\n"), `${lines.join("\n")}\n`]) {
    const blocks = [...blocksOf(text)];
    assert.equal(blocks.map(({ text }) => text).join("\n"), text);
    let before = 0;
    for (const block of blocks) {
      assert.equal(block.linesBefore, before);
      before += block.text.split("\n").length;
    }
    assert.ok(text.length < 200_000 || blocks.length > 1);
  }
});
