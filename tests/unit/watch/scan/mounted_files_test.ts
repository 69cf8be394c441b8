/** What is said of files that are mounted one by one. */
import assert from "node:assert/strict";
import type { LogEntry } from "../../../../lib/system/log.ts";
import type { FileState } from "../../../../lib/watch/directories/file_state.ts";
import {
  createReplacementReport,
  findMountedFiles,
} from "../../../../lib/watch/scan/mounted_files.ts";
import { TempFolder } from "../../../support/temp_folder.ts";

const source = { kind: "configuration", path: "/", foundBy: "-f" } as const;
const fileWith = (path: string, nlink: number) => ({
  path,
  realPath: path,
  info: { nlink } as FileState,
  source,
});

Deno.test("only files that are there and at which something is mounted are found, by their real paths", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg");
  folder.link("link.cfg", "a.cfg");
  const path = `${folder.path}/link.cfg`;
  const isMountRoot = (asked: string) => asked === path || asked.endsWith("missing");
  const found = findMountedFiles(
    [fileWith(path, 1), fileWith("/other", 1), {
      path: "/missing",
      realPath: "/missing",
      info: null,
      source,
    }],
    isMountRoot,
  );
  assert.deepEqual(found, [{ path, realPath: `${folder.path}/a.cfg`, hasLinks: true }]);
});

Deno.test("that a mounted file was replaced is said once, and of no other file", () => {
  const said: LogEntry[] = [];
  const mounted = [{ path: "/a", realPath: "/a", hasLinks: true }];
  const report = createReplacementReport(mounted, (entry) => said.push(entry));
  report([fileWith("/a", 1), fileWith("/b", 0)]);
  assert.equal(said.length, 0);
  report([fileWith("/a", 0), fileWith("/b", 0)]);
  report([fileWith("/a", 0), fileWith("/b", 0)]);
  assert.equal(said.length, 1);
  assert.match(said[0]!.text, /mounted at "\/a" was replaced or removed outside/);
});

Deno.test("a file system that counts no links says nothing", () => {
  const said: LogEntry[] = [];
  const mounted = findMountedFiles([fileWith("/a", 0)], () => true);
  createReplacementReport(mounted, (entry) => said.push(entry))([fileWith("/a", 0)]);
  assert.deepEqual(said, []);
});
