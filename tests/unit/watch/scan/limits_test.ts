import assert from "node:assert/strict";
import { MOST_TEXT_BYTES } from "../../../../lib/config/tokens.ts";
import { MOST_REFERENCES } from "../../../../lib/config/file_references.ts";
import type { LogEntry } from "../../../../lib/system/log.ts";
import type { FileState } from "../../../../lib/watch/directories/file_state.ts";
import type { Inventory, SourceFile } from "../../../../lib/watch/scan/inventory.ts";
import { createLimitReport } from "../../../../lib/watch/scan/limits.ts";
import type { ScanResult } from "../../../../lib/watch/scan/scan.ts";

const file = (path: string, more: Partial<SourceFile> = {}, size = 1): SourceFile => ({
  ...{ path, realPath: path, info: { size } as FileState },
  source: { kind: "watched", path, foundBy: "" },
  ...more,
});

function look(
  files: readonly SourceFile[],
  { contents = {}, named = 0 }: { contents?: Record<string, string>; named?: number } = {},
): ScanResult {
  const marks = Object.entries(contents).map(([path, content]) =>
    [path, { content, modifiedMs: 0, stamp: "" }] as const
  );
  const inventory = { files } as Inventory;
  return {
    inventory,
    named,
    seen: { tag: "taken", fingerprint: { digest: "", files: new Map(marks) } },
  };
}

/** What is said of one look after the other. */
function said(...looks: readonly ScanResult[]): string[][] {
  const logged: LogEntry[] = [];
  const report = createLimitReport((entry) => logged.push(entry), { pollIntervalMs: 5_000 });
  return looks.map((look) => {
    report(look);
    return logged.splice(0).map(({ text }) => text);
  });
}

const whole = { digest: "", entries: 200_000, newestMs: 0, durationMs: 1_300 };

Deno.test("a whole directory is told once, with how often it is read, and once more after it was none", () => {
  const [first, again, none, back] = said(
    look([file("/d", { whole })]),
    look([file("/d", { whole: { ...whole, entries: 200_001 } })]),
    look([file("/d/1")]),
    look([file("/d", { whole })]),
  );
  assert.match(
    first![0]!,
    /^"\/d" has 200000 entries, too many to follow each: .* within 1m5s, as reading them takes 1\.3s$/,
  );
  assert.deepEqual([again, none], [[], []]);
  assert.deepEqual(back, first);
});

Deno.test("the first large files are told, and how many others there are", () => {
  const contents = Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7].map((name) => [`/${name}`, "too large 1"]),
  );
  const [texts] = said(look([], { contents }));
  assert.equal(texts?.length, 6);
  assert.match(texts![0]!, /^"\/1" is not read, since it has more than 256 MB/);
  assert.match(texts![5]!, /^2 more files/);
});

Deno.test("the configuration that does not fit any more is told, and too many names are", () => {
  const source = { kind: "configuration", path: "/", foundBy: "-f" } as const;
  const files = ["/a", "/b"].map((path) => file(path, { source }, MOST_TEXT_BYTES / 2 + 1));
  const [texts] = said(look(files, { named: MOST_REFERENCES }));
  assert.match(
    texts![0]!,
    /^"\/b" is not searched for the names of files, since it has more than 8 MB with/,
  );
  assert.match(texts![1]!, /^the configuration names more than 20000 files/);
  assert.equal(texts?.length, 2);
});
