/** Every link and anchor in the Markdown files leads somewhere, and the README stays short. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { dirname, join } from "@std/path";

const ROOT = dirname(dirname(import.meta.dirname!));
const MOST_README_LINES = 250;

/** By their paths in the project. */
const documents = new Map(
  ["", "lib", "tests"]
    .flatMap((folder) => documentsIn(folder))
    .map((path) => [path, Deno.readTextFileSync(join(ROOT, path))]),
);

Deno.test("the README has at most 250 lines", () => {
  const lines = documents.get("README.md")!.trimEnd().split("\n").length;
  assert.ok(lines <= MOST_README_LINES, `found ${lines}`);
});

for (const [path, text] of documents) {
  for (const link of relativeLinksIn(text)) {
    Deno.test(`the link "${link}" in ${path} leads somewhere`, async () => {
      const [file, anchor] = link.split("#") as [string, string?];
      const target = file === "" ? path : join(dirname(path), file);
      await Deno.stat(join(ROOT, target));
      if (anchor === undefined) return;
      assert.ok(anchorsOf(documents.get(target) ?? "").includes(anchor), `no heading "${anchor}"`);
    });
  }
}

Deno.test("a link to a file or heading that is not there would be found", () => {
  assert.deepEqual(
    relativeLinksIn("[a](x.md#y) ![b](p.svg) [c](https://x.org)\n```\n[d](e)\n```"),
    [
      "x.md#y",
      "p.svg",
    ],
  );
  assert.deepEqual(anchorsOf("# The `-x` way, it's\n## HTTP/3\n"), ["the--x-way-its", "http3"]);
});

function documentsIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: folder !== "", encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
}

/** Each once; what stands in code is no link. */
function relativeLinksIn(markdown: string): string[] {
  const prose = withoutCode(markdown).replace(/`[^`\n]*`/g, "");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  return [...new Set(links)].filter((link) => !/^[a-z]+:/.test(link));
}

/** As GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
  );
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```.*?^```$/gms, "");
}
