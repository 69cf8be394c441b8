/** The Deno that the project is made with is named in several places, which must agree. */
import assert from "node:assert/strict";
import { join } from "@std/path";

const ROOT = join(import.meta.dirname!, "..");

const PLACES = {
  ".ci/run": /^deno_version=(\S+)$/gm,
  ".github/workflows/ci.yml": /^ +deno: \[v([^,]+), /gm,
  ".github/workflows/kubernetes.yml": /^ +deno-version: v(\S+)$/gm,
  ".github/workflows/release.yml": /^ +deno-version: v(\S+)$/gm,
  "Containerfile": /denoland\/deno:(\S+)/g,
  "README.md": /npx -y deno@([0-9.]+)/g,
} as const;

Deno.test("every place names the same version of Deno", async () => {
  const found = await Promise.all(
    Object.entries(PLACES).map(async ([name, pattern]) => {
      const matches = [...(await Deno.readTextFile(join(ROOT, name))).matchAll(pattern)];
      assert.notEqual(matches.length, 0, `${name}: found no version of Deno`);
      return matches.map(([, version]) => version);
    }),
  );
  assert.equal(new Set(found.flat()).size, 1, JSON.stringify(found));
});
