import assert from "node:assert/strict";
import { readHaproxyArguments } from "../../../../lib/settings/haproxy_arguments.ts";
import { sourcesOf } from "../../../../lib/watch/scan/sources.ts";

const settingsOf = (...words: string[]) => ({
  haproxy: readHaproxyArguments(words, "/default.cfg").arguments,
  envFile: null,
  watchPaths: [],
});

Deno.test("sources come in the order in which HAProxy reads them, with absolute paths", () => {
  const settings = {
    ...settingsOf("-f", "b.cfg", "-f", "/a.cfg"),
    envFile: "env",
    watchPaths: ["certs", "/maps/*.map"],
  };
  assert.deepEqual(sourcesOf(settings, "/srv"), [
    { kind: "configuration", path: "/srv/b.cfg", foundBy: "-f" },
    { kind: "configuration", path: "/a.cfg", foundBy: "-f" },
    { kind: "env_file", path: "/srv/env", foundBy: "--env-file" },
    { kind: "watched", path: "/srv/certs", foundBy: "--watch" },
    { kind: "watched", path: "/maps/*.map", foundBy: "--watch" },
  ]);
});

Deno.test("only HAProxy's own names start from -C", () => {
  for (const directory of ["/etc/haproxy", "../etc/haproxy"]) {
    const settings = { ...settingsOf("-C", directory, "-f", "a.cfg"), envFile: "env" };
    assert.deepEqual(sourcesOf(settings, "/srv"), [
      { kind: "configuration", path: "/etc/haproxy/a.cfg", foundBy: "-f" },
      { kind: "env_file", path: "/srv/env", foundBy: "--env-file" },
    ]);
  }
});
