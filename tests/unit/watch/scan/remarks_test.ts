import assert from "node:assert/strict";
import { MOST_REFERENCES } from "../../../../lib/config/file_references.ts";
import { MOST_TEXT_BYTES } from "../../../../lib/config/tokens.ts";
import type { LogEntry } from "../../../../lib/system/log.ts";
import type { FileState } from "../../../../lib/watch/directories/file_state.ts";
import type { Inventory, SourceFile } from "../../../../lib/watch/scan/inventory.ts";
import { findMountedFiles, type MountedFile } from "../../../../lib/watch/scan/mounted_files.ts";
import { createScanReport } from "../../../../lib/watch/scan/remarks.ts";
import type { ScanResult } from "../../../../lib/watch/scan/scan.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";

const source = (path: string): Source => ({ kind: "watched", path, foundBy: "" });

const file = (path: string, info: Partial<FileState> | null = {}): SourceFile => ({
  path,
  realPath: `/real${path}`,
  source: source(path),
  info: info === null ? null : { size: 1, nlink: 1, ...info } as FileState,
});

const whole = { digest: "", entries: 200_000, newestMs: 0, durationMs: 1_300 };

interface Scene {
  readonly files?: readonly SourceFile[];
  readonly unnamed?: readonly string[];
  readonly contents?: Readonly<Record<string, string>>;
  readonly references?: readonly Source[];
}

function scanOf({ files = [], unnamed = [], contents = {}, references = [] }: Scene): ScanResult {
  const marks = Object.entries(contents).map(([path, content]) =>
    [path, { content, modifiedMs: 0, stamp: "" }] as const
  );
  const fingerprint = { digest: "", files: new Map(marks) };
  return {
    inventory: { files, unnamed } as unknown as Inventory,
    references,
    seen: { tag: "taken", fingerprint },
    dueInMs: Infinity,
  };
}

/** What is logged about successive scans. */
function said(scenes: readonly Scene[], mountedFiles: readonly MountedFile[] = []): string[][] {
  const logged: LogEntry[] = [];
  const options = { pollIntervalMs: 5_000, mountedFiles };
  const report = createScanReport((entry) => logged.push(entry), options);
  return scenes.map((scene) => {
    report(scanOf(scene));
    return logged.splice(0).map(({ text }) => text);
  });
}

Deno.test("a large directory is logged once, with how often it is read, and again if it becomes large again", () => {
  const [first, again, none, back] = said([
    { files: [{ ...file("/d"), whole }] },
    { files: [{ ...file("/d"), whole: { ...whole, entries: 200_001 } }] },
    { files: [file("/d/1")] },
    { files: [{ ...file("/d"), whole }] },
  ]);
  assert.match(
    first![0]!,
    /^"\/d" has 200000 entries, too many to follow each: .* found within 1m5s, because reading them takes 1\.3s$/,
  );
  assert.deepEqual([again, none], [[], []]);
  assert.deepEqual(back, first);
});

Deno.test("the first large files are logged, and the number of others", () => {
  const paths = Array.from({ length: 12 }, (_, index) => `/${index}`);
  const contents = Object.fromEntries(paths.map((path) => [path, "too large 1"]));
  const [texts] = said([{ contents }]);
  assert.equal(texts?.length, 11);
  assert.match(texts![0]!, /^"\/0" is not read, because it exceeds 256 MB/);
  assert.match(texts![10]!, /^2 more like this/);
});

Deno.test("a configuration that exceeds the limit is logged, and so are too many names", () => {
  const files = ["/a", "/b"].map((path) => ({
    ...file(path, { size: MOST_TEXT_BYTES / 2 + 1 }),
    source: { ...source(path), kind: "configuration" as const },
  }));
  const [texts] = said([{ files, references: Array(MOST_REFERENCES).fill(source("/c")) }]);
  assert.match(texts![0]!, /^"\/b" is not searched for file names, .* exceed 8 MB: /);
  assert.match(texts![1]!, /^the configuration names more than 20000 files/);
  assert.equal(texts?.length, 2);
});

Deno.test("each path whose name is not UTF-8 is logged once, and only the first of a flood", () => {
  const [one, two, ...flood] = said([
    { unnamed: ["/a\ufffd"] },
    { unnamed: ["/a\ufffd", "/b\ufffd"] },
    ...Array.from({ length: 100 }, (_, number) => ({ unnamed: [`/${number}\ufffd`] })),
  ]);
  const text = (path: string) =>
    `cannot watch "${path}": its name is not UTF-8; changes there cause no reload: rename it`;
  assert.deepEqual([one, two], [[text("/a\ufffd")], [text("/b\ufffd")]]);
  assert.equal(flood.flat().length, 8);
});

Deno.test("only existing files that are mount points are found", () => {
  const isMountRoot = (path: string) => path !== "/other";
  const files = [file("/a"), file("/other"), file("/missing", null), { ...file("/d"), whole }];
  assert.deepEqual(findMountedFiles(files, isMountRoot), [
    { path: "/a", realPath: "/real/a", hasLinks: true },
  ]);
});

Deno.test("a replaced mounted file is logged once, other files are not", () => {
  const mounted = findMountedFiles([file("/a")], () => true);
  const replaced = { files: [file("/a", { nlink: 0 }), file("/b", { nlink: 0 })] };
  const [before, after, again] = said([{ files: [file("/a")] }, replaced, replaced], mounted);
  assert.deepEqual([before?.length, after?.length, again?.length], [0, 1, 0]);
  assert.match(after![0]!, /mounted at "\/a" was replaced or removed outside/);
  const onOthers = findMountedFiles([file("/a", { nlink: 0 })], () => true);
  assert.deepEqual(said([replaced], onOthers), [[]], "a file system that counts no links");
});
