/** The Deno that the project is made with is named in several places, which must agree; what others publish is pinned. */
import assert from "node:assert/strict";
import { join } from "@std/path";

const ROOT = join(import.meta.dirname!, "../..");

const PLACES = {
  ".ci/package.json": /"deno": "(\S+)"/g,
  ".github/workflows/ci.yml": /^ +deno: \[v([^,]+), /gm,
  ".github/workflows/kubernetes.yml": /^ +deno-version: v(\S+)$/gm,
  ".github/workflows/release.yml": /^ +deno-version: v(\S+)$/gm,
  "Containerfile": /denoland\/deno:([0-9.]+)/g,
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

Deno.test("every npm package of the tests and workflows is pinned by its content", async () => {
  const { specifiers, npm } = JSON.parse(await Deno.readTextFile(join(ROOT, ".ci/npm.lock")));
  const found = await Promise.all(
    [join(ROOT, "tests"), join(ROOT, ".github/workflows")].map(specifiersBelow),
  );
  // Deno adds the packages of JSR where it can reach them.
  const pinned = Object.keys(specifiers).filter((specifier) => specifier.startsWith("npm:"));
  assert.deepEqual(new Set(found.flat()), new Set(pinned));
  for (const [name, { integrity }] of Object.entries<{ integrity?: string }>(npm)) {
    assert.match(integrity ?? "", /^sha512-/, name);
  }
});

Deno.test("what compiles the image is pinned by its digest", async () => {
  const containerfile = await Deno.readTextFile(join(ROOT, "Containerfile"));
  assert.match(containerfile, /^ARG DENO_DIGEST=@sha256:[0-9a-f]{64}$/m);
  const stages = containerfile.match(/^FROM .*denoland.*$/gm)!;
  for (const stage of stages) assert.match(stage, /deno:[0-9.]+\$\{DENO_DIGEST\} AS /);
});

async function specifiersBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) found.push(...await specifiersBelow(path));
    else if (/\.(?:ts|yml)$/.test(name)) found.push(...specifiersIn(await Deno.readTextFile(path)));
  }
  return found;
}

const specifiersIn = (text: string) => text.match(/npm:@?[a-z][\w/-]*@\d+\.\d+\.\d+/g) ?? [];
