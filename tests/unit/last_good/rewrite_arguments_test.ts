import assert from "node:assert/strict";
import { readHaproxyArguments } from "../../../lib/settings/haproxy_arguments.ts";
import { rewriteArguments } from "../../../lib/last_good/rewrite_arguments.ts";

const RECORDED = new Map([
  "/srv/a.cfg",
  "/etc/b.cfg",
  "/srv/conf.d/2.cfg",
  "/srv/conf.d/10.cfg",
  "/srv/conf.d/.hidden.cfg",
  "/srv/conf.d/below/3.cfg",
  "/srv/conf.d/x.map",
].map((path) => [path, "digest"]));

function rewrite(words: readonly string[]) {
  const { arguments: haproxy } = readHaproxyArguments(words, "/default.cfg");
  return rewriteArguments(haproxy, {
    directory: "/srv",
    files: RECORDED,
    copyAt: (path) => `/copy${path}`,
  });
}

Deno.test("every -f names the copy, and all other arguments stay", () => {
  const { arguments: found, files, missing } = rewrite([
    ...["-C", "/srv", "-f", "a.cfg", "-n", "100", "-f", "/etc/b.cfg", "-L", "-f", "-dM"],
  ]);
  assert.deepEqual(found, {
    options: [
      ...["-C", "/srv", "-f", "/copy/srv/a.cfg", "-n", "100", "-f", "/copy/etc/b.cfg"],
      ...["-L", "-f", "-dM"],
    ],
    filesAfterDashes: null,
    configurations: ["/copy/srv/a.cfg", "/copy/etc/b.cfg"],
    directory: "/srv",
  });
  assert.deepEqual([files, missing], [["/srv/a.cfg", "/etc/b.cfg"], []]);
});

Deno.test("a directory becomes that of the copies, whose files HAProxy loads in the same order", () => {
  const { arguments: found, files } = rewrite(["-f", "conf.d/", "-f", "a.cfg"]);
  assert.deepEqual(found.options, ["-f", "/copy/srv/conf.d", "-f", "/copy/srv/a.cfg"]);
  assert.deepEqual(files, ["/srv/conf.d/10.cfg", "/srv/conf.d/2.cfg", "/srv/a.cfg"]);
});

Deno.test("files after -- become copies too", () => {
  const { arguments: found, files } = rewrite(["-f", "a.cfg", "--", "/etc/b.cfg", "conf.d"]);
  assert.deepEqual(found.options, ["-f", "/copy/srv/a.cfg"]);
  assert.deepEqual(found.filesAfterDashes, ["/copy/etc/b.cfg", "/copy/srv/conf.d"]);
  assert.equal(files.length, 4);
});

Deno.test("a file that was not recorded is missing", () => {
  assert.deepEqual(rewrite(["-f", "a.cfg", "-f", "new.cfg", "-f", "below"]).missing, [
    "/srv/new.cfg",
    "/srv/below",
  ]);
  assert.deepEqual(rewrite([]).missing, ["/default.cfg"]);
});
