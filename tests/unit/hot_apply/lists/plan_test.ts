import assert from "node:assert/strict";
import { readListLines, spellingOf } from "../../../../lib/config/list_lines.ts";
import { optionsOf } from "../../../../lib/hot_apply/lists/options.ts";
import { compareLines, obstacleToPlaces } from "../../../../lib/hot_apply/lists/plan.ts";

const linesOf = (...lines: readonly string[]) => readListLines([...lines, ""].join("\n"))!;

function compare(before: readonly string[], after: readonly string[]) {
  const change = compareLines({ before: linesOf(...before), after: linesOf(...after) });
  if (typeof change === "string") return change;
  const [kept, added, removed] = [change.kept, change.added, change.removed]
    .map((lines) => lines.map(spellingOf));
  return { kept, added, removed };
}

Deno.test("lines come and go at any place behind the first", () => {
  assert.deepEqual(compare(["/d", "/a", "/b x"], ["/d", "/c [alpn h2] *.c", "/b x", "/e"]), {
    kept: ["/d", "/b x"],
    added: ["/c [alpn h2] *.c", "/e"],
    removed: ["/a"],
  });
});

Deno.test("a line with other filters comes and goes", () => {
  assert.deepEqual(compare(["/d", "/a x"], ["/d", "/a x y"]), {
    kept: ["/d"],
    added: ["/a x y"],
    removed: ["/a x"],
  });
});

Deno.test("blanks and comments are no change", () => {
  assert.deepEqual(compare(["/d", "# x", "/a  x"], ["", " /d", "/a [] x"]), {
    kept: ["/d", "/a x"],
    added: [],
    removed: [],
  });
});

const RELOADS: readonly (readonly [string[], string[], RegExp])[] = [
  [["/d", "/a"], ["/a"], /its first line is another/],
  [["/d", "/a"], ["/a", "/d"], /its first line is another/],
  [["/d", "/a"], ["/d x", "/a"], /its first line is another/],
  [[], ["/d"], /its first line is another/],
  [["/d"], [], /it is empty/],
  [["/d", "/a", "/b"], ["/d", "/b", "/a"], /its lines have another order/],
  [["/d", "/a"], ["/d", "/a", "/a"], /a line is there twice/],
  [["/d", "/a *"], ["/d"], /"\/a" is for all names/],
  [["/d"], ["/d", "/a x !*"], /"\/a" is for all names/],
  [["/d"], ["/d", "/a [ciphers AES]"], /the options of "\/a" matter to sessions/],
  [["/d", "/a [verify required ca-file /ca]"], ["/d"], /matter to sessions/],
  [["/d", "/a"], ["/d", "/a [alpn h2]"], /the options of "\/a" changed/],
  [["/d"], ["/d", ...Array.from({ length: 101 }, (_, at) => `/${at}`)], /more than 100 lines/],
];

for (const [before, after, reason] of RELOADS) {
  Deno.test(`from ${before.join(", ")} to ${after.slice(0, 3).join(", ")} takes a reload`, () => {
    const change = compare(before, after);
    assert.ok(typeof change === "string");
    assert.match(change, reason);
  });
}

function places(
  added: Readonly<Record<string, readonly string[]>>,
  kept: Readonly<Record<string, readonly string[]>> = {},
  beside: readonly string[] = [],
): string | null {
  const named = (all: typeof added) =>
    Object.entries(all).map(([line, names]) => ({ line: linesOf(line)[0]!, names }));
  return obstacleToPlaces({ added: named(added), kept: named(kept), beside });
}

Deno.test("the place of a new line matters only for a name that another is for", () => {
  assert.equal(places({ "/a": ["a"] }, { "/b": ["b", "*.a"] }, ["c"]), null);
  assert.match(
    places({ "/a": ["a"] }, { "/b": ["b", "a"] })!,
    /"\/a" is new, and "\/b" is for "a"/,
  );
  assert.match(places({ "/a": ["a"] }, {}, ["a"])!, /another certificate is for "a" as well/);
  assert.match(places({ "/a": ["a"], "/b": ["a"] })!, /"\/b" is new, and "\/a"/);
});

Deno.test("filters count instead of a certificate's own names, in any case", () => {
  assert.equal(places({ "/a x": ["a"] }, { "/b": ["a"] }), null);
  assert.equal(places({ "/a": ["a"] }, { "/b x": ["a"] }), null);
  assert.match(places({ "/a X.y": [] }, { "/b": ["x.y"] })!, /"x\.y" as well/);
  assert.match(places({ "/a": ["x.y"] }, { "/b X.y": [] })!, /"x\.y" as well/);
  assert.match(places({ "/a *.x": [] }, { "/b": ["*.x"] })!, /"\*\.x" as well/);
});

Deno.test("exceptions are for no name, and leave it open whether a certificate's own count", () => {
  assert.equal(places({ "/a *.x !y.x": [] }, { "/b": ["y.x"] }), null);
  assert.match(places({ "/a !x": ["a"] }, { "/b": ["a"] })!, /"a" as well/);
});

Deno.test("options are known in any order, and no others", () => {
  assert.equal(optionsOf(""), "");
  const both = "alpn h2,http/1.1 ssl-min-ver TLSv1.2";
  assert.equal(optionsOf(both), both);
  assert.equal(optionsOf("ssl-min-ver TLSv1.2 alpn h2,http/1.1"), both);
  for (
    const others of [
      ...["alpn", "alpn h2 alpn h2", "no-alpn", "ssl-min-ver SSLv3", "verify none", "alpn ,"],
      ...["ciphers AES", "curves X25519", "ocsp-update on", "key /k", "acme LE", "allow-0rtt"],
    ]
  ) assert.equal(optionsOf(others), null, others);
});
