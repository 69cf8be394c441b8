/** Markdown: links and anchors lead somewhere, symptoms are real texts, and the README stays short. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
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

/** What the kernel or HAProxy itself says, and what the text is made of piece by piece. */
const NOT_OURS = [
  "exited with 127",
  "cannot bind socket (Permission denied)",
  "cannot bind socket",
  "could not resolve address",
  "cannot read … Too many open files",
  "docker stop",
  "subPath",
];

Deno.test("each symptom of the troubleshooting is a text of the program", () => {
  const [, table] = documents.get("lib/status/README.md")!.split("## Troubleshooting\n");
  const symptoms = [...table!.matchAll(/^\| ([^|]*) \|/gm)].map(([, symptom]) => symptom!);
  const quoted = symptoms.flatMap((symptom) => [...symptom.matchAll(/`([^`]+)`/g)]);
  const texts = textsIn("lib");
  const unknown = quoted.map(([, text]) => text!).filter((text) => !NOT_OURS.includes(text))
    .filter((text) => !text.split("…").every((part) => texts.includes(part.trim())));
  assert.deepEqual(unknown, []);
});

Deno.test("what the table of guarantees names is there", () => {
  const [, table] = documents.get("tests/README.md")!.split("## Guarantees");
  const named = [
    ...table!.split("\n\n")[1]!.split("\n").slice(2).join("\n").matchAll(/`([\w./]+(?:\.ts|\/))`/g),
  ];
  assert.ok(named.length > 40, `found ${named.length}`);
  const missing = named.map(([, path]) => path!)
    .filter((path) => !existsSync(join(ROOT, "tests/e2e", path)));
  assert.deepEqual(missing, []);
});

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

/** The texts in lib's code, one after the other: those that continue on the next line as one. */
function textsIn(folder: string): string {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  const code = files.filter((name) => name.endsWith(".ts"))
    .map((name) => Deno.readTextFileSync(join(ROOT, folder, name))).join("\n");
  return code.replace(/["`] \+\s*["`]/g, "").replace(/\$\{[^}]*\}/g, "…").replace(/\\"/g, '"');
}

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
