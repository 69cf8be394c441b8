import assert from "node:assert/strict";
import { parseEnvFile } from "../../../lib/config/env_file.ts";

const READ: Readonly<Record<string, { text: string; variables: Record<string, string> }>> = {
  "an empty file holds no variables": { text: "", variables: {} },
  "blank lines and comments are skipped": {
    text: "\n  \n# A=1\n  # B=2\nC=3\n",
    variables: { C: "3" },
  },
  "a leading export is dropped": { text: "export A=1\nexport\tB=2", variables: { A: "1", B: "2" } },
  "a variable may be called export": { text: "export=1", variables: { export: "1" } },
  "blanks around key and value are dropped": { text: "  A = 1  ", variables: { A: "1" } },
  "an empty value is a value": { text: "A=", variables: { A: "" } },
  "a value may hold an equals sign": { text: "A=b=c", variables: { A: "b=c" } },
  "one pair of quotes is removed": {
    text: `A="x y"\nB='x'\nC=""z""`,
    variables: { A: "x y", B: "x", C: `"z"` },
  },
  "unpaired quotes stay": {
    text: `A="x\nB='x"\nC='`,
    variables: { A: `"x`, B: `'x"`, C: "'" },
  },
  "nothing is expanded": { text: `A="$HOME\\n" # b`, variables: { A: `"$HOME\\n" # b` } },
  "of two lines with the same key the last counts": { text: "A=1\nA=2", variables: { A: "2" } },
  "Windows line endings are accepted": { text: "A=1\r\nB=2\r\n", variables: { A: "1", B: "2" } },
};

for (const [behaviour, { text, variables }] of Object.entries(READ)) {
  Deno.test(`env file: ${behaviour}`, () => {
    assert.deepEqual(parseEnvFile(text), { tag: "read", variables });
  });
}

Deno.test("env file: bad lines are reported by number, and never quoted", () => {
  const text = "A=1\nsecret\n=secret\n1A=secret\nA-B=secret\nN=secret\0";
  assert.deepEqual(parseEnvFile(text), {
    tag: "invalid",
    problems: [
      "line 2 is not of the form KEY=value",
      "line 3 is not of the form KEY=value",
      "line 4 is not of the form KEY=value",
      "line 5 is not of the form KEY=value",
      'line 6: "N" holds a NUL character',
    ],
  });
});

const REFUSED = [
  "PATH",
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "LD_AUDIT",
  "GCONV_PATH",
  "GLIBC_TUNABLES",
  "LOCPATH",
  "OPENSSL_CONF",
  "OPENSSL_CONF_INCLUDE",
  "OPENSSL_MODULES",
  "OPENSSL_ENGINES",
  "LUA_PATH",
  "LUA_CPATH",
  "LUA_PATH_5_3",
  "LUA_CPATH_5_4",
];

for (const key of REFUSED) {
  Deno.test(`env file: "${key}" is refused, and its line is named`, () => {
    const file = parseEnvFile(`A=1\nexport ${key}=/secret`);
    assert.equal(file.tag, "invalid");
    const [problem, ...more] = file.tag === "invalid" ? file.problems : [];
    assert.match(problem!, new RegExp(`^line 2: "${key}" `));
    assert.doesNotMatch(problem!, /secret/);
    assert.deepEqual(more, []);
  });
}

Deno.test("env file: a name that only resembles a refused one is accepted", () => {
  const text = "MY_LD_PRELOAD=1\nOPENSSL_CONFIG=2\nLUA_PATHS=3\npath=4\nXGCONV_PATH=5\n";
  assert.equal(parseEnvFile(text).tag, "read");
});
