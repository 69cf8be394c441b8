import assert from "node:assert/strict";
import type { Bases } from "../../../lib/config/base_directories.ts";
import { listUses, usesLists } from "../../../lib/config/list_uses.ts";

const BASES: Bases = { crt: null, key: null, ca: null, directory: "/" };

function usesOf(lines: readonly string[], bases: Partial<Bases> = {}) {
  const all = lines.map((line) => ({ file: "/h.cfg", words: line.split(" ") }));
  const using = all.filter(({ words }) => usesLists(words));
  const uses = listUses(using, new Map([["/h.cfg", { ...BASES, ...bases }]]));
  return Object.fromEntries(Array.from(uses, ([name, { companions }]) => [name, companions]));
}

Deno.test("a list is found with the certificates on its lines", () => {
  assert.deepEqual(
    usesOf([
      "bind :1 ssl crt-list /l",
      "bind :2 ssl crt /a.pem crt-list /l default-crt b.pem",
      "bind :3 ssl crt /c.pem",
      "bind :4 ssl crt-list m crt @store/d crt dir/",
    ], { crt: "/certs" }),
    { "/l": ["/a.pem", "/certs/b.pem"], "m": ["@store/d", "/certs/dir"] },
  );
});

Deno.test("two lists on one line decide together what is served", () => {
  const lines = ["bind :1 ssl crt-list /l crt-list /m", "bind :2 ssl crt-list /l crt-list /n"];
  assert.deepEqual(usesOf([...lines, "bind :3 ssl crt-list /o", "bind :4 ssl crt-list /m"]), {
    "/o": [],
  });
});

for (
  const line of [
    "default-bind ssl crt-list /m",
    "default-bind ssl crt /a.pem",
    "ssl-f-use crt /a.pem",
    "tune.ssl.ocsp-update.mode on",
    "server s1 :1 ssl crt-list /m",
  ]
) {
  Deno.test(`no line may come or go beside "${line}"`, () => {
    assert.deepEqual(usesOf(["bind :1 ssl crt-list /l", line]), {});
  });
}
