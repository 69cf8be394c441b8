import assert from "node:assert/strict";
import { readHaproxyArguments } from "../../../lib/settings/haproxy_arguments.ts";
import { replaceArguments } from "../../../lib/last_good/rewritten_arguments.ts";

const KEPT = new Set([
  "/srv/a.cfg",
  "/etc/b.cfg",
  "/srv/conf.d/2.cfg",
  "/srv/conf.d/10.cfg",
  "/srv/conf.d/.hidden.cfg",
  "/srv/conf.d/below/3.cfg",
  "/srv/conf.d/x.map",
]);

function replace(words: readonly string[]) {
  const { arguments: haproxy } = readHaproxyArguments(words, "/default.cfg");
  return replaceArguments(haproxy, {
    directory: "/srv",
    kept: KEPT,
    copyAt: (path) => `/kept${path}`,
  });
}

Deno.test("every -f names the copy, and all other words stay", () => {
  const { arguments: found, files, missing } = replace([
    ...["-C", "/srv", "-f", "a.cfg", "-n", "100", "-f", "/etc/b.cfg", "-L", "-f", "-dM"],
  ]);
  assert.deepEqual(found, {
    options: [
      ...["-C", "/srv", "-f", "/kept/srv/a.cfg", "-n", "100", "-f", "/kept/etc/b.cfg"],
      ...["-L", "-f", "-dM"],
    ],
    filesAfterDashes: null,
    configurations: ["/kept/srv/a.cfg", "/kept/etc/b.cfg"],
    directory: "/srv",
  });
  assert.deepEqual([files, missing], [["/srv/a.cfg", "/etc/b.cfg"], []]);
});

Deno.test("a directory is that of the copies, whose files HAProxy loads in the same order", () => {
  const { arguments: found, files } = replace(["-f", "conf.d/", "-f", "a.cfg"]);
  assert.deepEqual(found.options, ["-f", "/kept/srv/conf.d", "-f", "/kept/srv/a.cfg"]);
  assert.deepEqual(files, ["/srv/conf.d/10.cfg", "/srv/conf.d/2.cfg", "/srv/a.cfg"]);
});

Deno.test("so are the files behind --", () => {
  const { arguments: found, files } = replace(["-f", "a.cfg", "--", "/etc/b.cfg", "conf.d"]);
  assert.deepEqual(found.options, ["-f", "/kept/srv/a.cfg"]);
  assert.deepEqual(found.filesAfterDashes, ["/kept/etc/b.cfg", "/kept/srv/conf.d"]);
  assert.equal(files.length, 4);
});

Deno.test("what was not kept is told", () => {
  assert.deepEqual(replace(["-f", "a.cfg", "-f", "new.cfg", "-f", "below"]).missing, [
    "/srv/new.cfg",
    "/srv/below",
  ]);
  assert.deepEqual(replace([]).missing, ["/default.cfg"]);
});
