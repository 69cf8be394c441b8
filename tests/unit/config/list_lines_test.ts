import assert from "node:assert/strict";
import { listedName, readListLines, spellingOf } from "../../../lib/config/list_lines.ts";

const spellings = (text: string) => readListLines(text)?.map(spellingOf) ?? null;

Deno.test("a line has a certificate, options and filters, with any blanks", () => {
  assert.deepEqual(
    readListLines("# x\n\n \t\n/a.pem\n  b.pem\t[alpn  h2,http/1.1 ]  *.x !y.x \n"),
    [
      { path: "/a.pem", options: "", filters: [] },
      { path: "b.pem", options: "alpn h2,http/1.1", filters: ["*.x", "!y.x"] },
    ],
  );
  assert.deepEqual(spellings("b.pem []\n@store/a\tx\n"), ["b.pem", "@store/a x"]);
  assert.deepEqual(spellings("b.pem [verify required ca-file /ca.pem]\n"), [
    "b.pem [verify required ca-file /ca.pem]",
  ]);
  assert.deepEqual(spellings(""), []);
});

for (
  const text of [
    "/a.pem",
    "/a.pem\r\n",
    "/a.pem # x\n",
    " # x\n",
    "/a.pem x [alpn h2]\n",
    "/a.pem[alpn h2]\n",
    "/a.pem [alpn h2] [x y]\n",
    "[alpn h2]\n",
    '"/a b.pem"\n',
    "/a\\ b.pem\n",
    "/a:1.pem\n",
    "/ä.pem\n",
    "/a.pem \0\n",
    "/a.pem\v\n",
    "\ufeff/a.pem\n",
    `/a.pem ${"x".repeat(15_000)}\n`,
  ]
) {
  Deno.test(`nobody guesses what HAProxy reads in ${JSON.stringify(text.slice(0, 30))}`, () => {
    assert.equal(readListLines(text), null);
  });
}

Deno.test("a relative name follows the base", () => {
  assert.equal(listedName({ path: "a.pem" }, "/certs"), "/certs/a.pem");
  assert.equal(listedName({ path: "a.pem" }, null), "a.pem");
  assert.equal(listedName({ path: "/a.pem" }, "/certs"), "/a.pem");
  assert.equal(listedName({ path: "@store/a" }, "/certs"), "@store/a");
});
