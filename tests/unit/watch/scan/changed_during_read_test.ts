import assert from "node:assert/strict";
import type { Fingerprint } from "../../../../lib/watch/scan/fingerprint.ts";
import type { FileState } from "../../../../lib/watch/directories/file_state.ts";
import type { Inventory, SourceFile } from "../../../../lib/watch/scan/inventory.ts";
import type { ScanResult } from "../../../../lib/watch/scan/scan.ts";
import { changedDuringRead } from "../../../../lib/watch/scan/changed_during_read.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const STARTED_MS = 100_000;

/** Stamps by path. */
type Stamps = Readonly<Record<string, string>>;

const fingerprintOf = (stamps: Stamps): Fingerprint => ({
  digest: "",
  files: new Map(
    Object.entries(stamps).map(([path, stamp]) => [path, { content: "", modifiedMs: 0, stamp }]),
  ),
});

/** A file of that kind that last changed at `changedMs`; `null`: there is none. */
function fileOf(path: string, changedMs: number | null = 0, kind: Source["kind"] = "loaded") {
  const time = new Date(changedMs ?? 0);
  const info = { mtime: new Date(0), ctime: time } as FileState;
  const source = { kind, path, foundBy: "" };
  return { path, realPath: path, info: changedMs === null ? null : info, source } as SourceFile;
}

/** A scan that found these files. */
const scanOf = (
  stamps: Stamps,
  files = Object.keys(stamps).map((path) => fileOf(path)),
): ScanResult => ({
  inventory: { files } as unknown as Inventory,
  references: [],
  dueInMs: Infinity,
  seen: { tag: "taken", fingerprint: fingerprintOf(stamps) },
});

const changed = (before: Stamps, scan: ScanResult) =>
  changedDuringRead(fingerprintOf(before), scan, STARTED_MS);

Deno.test("files with the same stamps have not changed", async () => {
  assert.equal(await changed({ "/a": "1", "/b": "1" }, scanOf({ "/b": "1", "/a": "1" })), false);
  assert.equal(await changed({}, scanOf({})), false);
});

Deno.test("a file that was scanned before the start may be recent", async () => {
  const scan = scanOf({ "/a": "1" }, [fileOf("/a", STARTED_MS)]);
  assert.equal(await changed({ "/a": "1" }, scan), false);
});

Deno.test("one file with another stamp has changed", async () => {
  assert.equal(await changed({ "/a": "1", "/b": "1" }, scanOf({ "/a": "1", "/b": "2" })), true);
});

Deno.test("unreadable sources may have changed", async () => {
  const scan: ScanResult = { ...scanOf({}), seen: { tag: "unreadable", unreadable: [] } };
  assert.equal(await changed({}, scan), true);
});

Deno.test("a file that is no longer a source has changed only if it is gone", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a");
  assert.equal(await changed({ [path]: "1" }, scanOf({})), false);
  const link = folder.link("link", "a");
  Deno.removeSync(path);
  for (const gone of [path, link]) {
    assert.equal(await changed({ [gone]: "1" }, scanOf({})), true);
  }
});

Deno.test("a loaded file that only the later scan found existed before if it is older than the start", async () => {
  const at = (changedMs: number | null) =>
    changed({}, scanOf({ "/a": "1" }, [fileOf("/a", changedMs)]));
  // A change time may be rounded down to a second.
  assert.equal(await at(STARTED_MS - 1_001), false);
  assert.equal(await at(STARTED_MS - 1_000), true);
  assert.equal(await at(STARTED_MS), true);
  // The later of its two times counts.
  const file = fileOf("/a", 0);
  const info = { mtime: new Date(STARTED_MS), ctime: new Date(0) } as FileState;
  assert.equal(await changed({}, scanOf({ "/a": "1" }, [{ ...file, info }])), true);
});

Deno.test("any other file that only the later scan found has changed, however old it is", async () => {
  for (const kind of ["configuration", "env_file", "watched"] as const) {
    assert.equal(await changed({}, scanOf({ "/a": "1" }, [fileOf("/a", 0, kind)])), true);
  }
  assert.equal(await changed({}, scanOf({ "/a": "" }, [fileOf("/a", null)])), true);
});

Deno.test("a file with the same stamp and other content was replaced during a scan", async () => {
  const mark = { content: "one", modifiedMs: 0, stamp: "1" };
  const before: Fingerprint = { digest: "", files: new Map([["/a", mark]]) };
  const files = new Map([["/a", { ...mark, content: "two" }]]);
  const scan = {
    ...scanOf({ "/a": "1" }),
    seen: { tag: "taken", fingerprint: { digest: "", files } },
  };
  assert.equal(await changedDuringRead(before, scan as ScanResult, STARTED_MS), true);
});
