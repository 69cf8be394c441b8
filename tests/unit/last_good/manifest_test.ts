import assert from "node:assert/strict";
import { type Manifest, manifestText, parseManifest } from "../../../lib/last_good/manifest.ts";

const DIGEST = "0123456789abcdef".repeat(4);

const MANIFEST: Manifest = {
  recordedMs: Date.UTC(2026, 10, 24, 12, 0, 0, 7),
  generation: 4,
  haproxyVersion: "2.6.12",
  directory: "/srv",
  files: new Map([["/b", DIGEST], ["/a b\n", DIGEST], ["/10", DIGEST]]),
};

Deno.test("a manifest is read as it was written, with its files in order", () => {
  assert.deepEqual(parseManifest(manifestText(MANIFEST)), MANIFEST);
  assert.deepEqual([...parseManifest(manifestText(MANIFEST))!.files.keys()], [
    "/b",
    "/a b\n",
    "/10",
  ]);
  const unknown = { ...MANIFEST, haproxyVersion: null };
  assert.deepEqual(parseManifest(manifestText(unknown)), unknown);
});

const WHOLE = JSON.parse(manifestText(MANIFEST));

const REFUSED: Readonly<Record<string, unknown>> = {
  "another version": { ...WHOLE, version: 2 },
  "no time": { ...WHOLE, when: "soon" },
  "no generation": { ...WHOLE, generation: "4" },
  "no files": { ...WHOLE, files: {} },
  "a relative path": { ...WHOLE, files: { a: DIGEST } },
  "a path that escapes": { ...WHOLE, files: { "/../etc/a": DIGEST } },
  'a path with ".."': { ...WHOLE, files: { "/a/../b": DIGEST } },
  "a relative directory": { ...WHOLE, directory: "srv" },
  "a digest that is a path": { ...WHOLE, files: { "/a": "../../etc/passwd" } },
  "a digest of another length": { ...WHOLE, files: { "/a": DIGEST.slice(1) } },
  "null": null,
  "an array": [],
  "a string": "x",
};

for (const [what, value] of Object.entries(REFUSED)) {
  Deno.test(`a manifest with ${what} is invalid`, () => {
    assert.equal(parseManifest(JSON.stringify(value)), null);
  });
}

Deno.test("half a manifest is invalid", () => {
  const text = manifestText(MANIFEST);
  for (const length of [0, 1, 100, text.length - 3]) {
    assert.equal(parseManifest(text.slice(0, length)), null);
  }
});

for (
  const path of ["//a", "/a//b", "/a/", "/./a", "/a/.", "/a/..", "/..", "/../a", "a", "", "/a\0/.."]
) {
  Deno.test(`"${path}" is not a valid path in a manifest`, () => {
    assert.equal(parseManifest(JSON.stringify({ ...WHOLE, files: { [path]: DIGEST } })), null);
  });
}

for (const path of ["/a", "/.a/..b/c.", "/.../a..", "/a b/ü"]) {
  Deno.test(`"${path}" is a valid path in a manifest`, () => {
    const found = parseManifest(JSON.stringify({ ...WHOLE, files: { [path]: DIGEST } }));
    assert.deepEqual([...found?.files.keys() ?? []], [path]);
  });
}
