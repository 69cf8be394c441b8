import assert from "node:assert/strict";
import { NO_TARGETS, type ServersTarget, withServers } from "../../../lib/loaded/targets.ts";
import { HotServers } from "../../../lib/supervisor/actions/hot_servers.ts";
import { ScriptedHaproxy } from "../../support/haproxy/scripted_haproxy.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { waitFor } from "../../support/wait.ts";

const target = (path: string, more: Partial<ServersTarget> = {}): ServersTarget => ({
  tag: "server",
  path,
  paths: [path],
  texts: ["backend b\n  server s1 10.0.0.1:80\n"],
  environment: {},
  hot: new Map(),
  removed: [],
  doubtful: [],
  ...more,
});
const applied = (target: ServersTarget) => ({
  applied: [{ target, detail: "", durationMs: 1 }],
  unconfirmed: [],
});
const REMOVED = { removed: ["b/s1"] };
const NEVER = new AbortController().signal;
const NOTHING = { applied: [], unconfirmed: [] };

class Scene extends TempFolder {
  readonly configuration = this.write("h.cfg", "backend b\n  server s1 10.0.0.1:81\n");
  readonly socket = this.at("socket");
  readonly logged: string[] = [];
  scanned = "";
  readonly servers: HotServers;

  constructor(toldAfterMs = 60_000) {
    super();
    this.servers = new HotServers({
      folder: { socket: () => ({ path: this.socket, problem: () => null }) },
      loadedFiles: {
        configurations: () => [this.configuration],
        texts: () => [{ path: this.configuration, text: this.scanned, digest: "" }],
      },
      log: ({ text }) => void this.logged.push(text),
      toldAfterMs,
    });
  }

  serve(generation: number, version = "3.4.7-1"): void {
    const targets = withServers(NO_TARGETS, target(this.configuration));
    this.servers.serve(generation, targets, version);
  }
}

/** HAProxy 3.4.7 in which a server can be deleted at the third attempt. */
function answering() {
  let attempts = 0;
  return (command: string) => {
    // A connection may have been closed before it was sent.
    if (command === "") return "";
    return ++attempts < 3 ? "Server still has connections attached to it\n" : "Server deleted.\n";
  };
}

Deno.test("a removed server is deleted as soon as HAProxy allows it", async () => {
  await using scene = new Scene();
  await using haproxy = new ScriptedHaproxy(scene.socket, answering());
  scene.serve(1);
  scene.servers.follow(1, applied(target(scene.configuration, REMOVED)));
  await waitFor("the third attempt", () => haproxy.commands.length === 3);
  await waitFor("it to be gone", () => scene.servers.removed.length === 0);
  await scene.servers.quiesce(NEVER);
  assert.deepEqual(haproxy.commands, Array.from({ length: 3 }, () => "del server b/s1"));
  assert.deepEqual(scene.logged, []);
});

Deno.test("a process that did not answer once is asked again", async () => {
  await using scene = new Scene(0);
  scene.serve(1);
  scene.servers.follow(1, applied(target(scene.configuration, REMOVED)));
  await waitFor("no answer", () => scene.logged.length > 0);
  assert.match(scene.logged[0]!, /HAProxy does not answer/);
  await using _ = new ScriptedHaproxy(scene.socket, answering());
  await waitFor("it to be gone", () => scene.servers.removed.length === 0);
  await scene.servers.quiesce(NEVER);
});

Deno.test("in a release that cannot be trusted with that it stays in maintenance", async () => {
  await using scene = new Scene();
  await using haproxy = new ScriptedHaproxy(scene.socket, answering());
  scene.serve(1, "2.6.12-1");
  scene.servers.follow(1, applied(target(scene.configuration, REMOVED)));
  scene.servers.follow(1, applied(target(scene.configuration, { removed: ["b/s2"] })));
  await scene.servers.quiesce(NEVER);
  assert.deepEqual(haproxy.commands, []);
  assert.deepEqual(scene.servers.removed, ["b/s1", "b/s2"]);
  assert.deepEqual(scene.logged, [
    "removed servers stay in maintenance until the next reload: deleting them is not " +
    "known to be safe in HAProxy 2.6.12-1",
  ]);
  scene.serve(2);
  assert.deepEqual(scene.servers.removed, []);
});

Deno.test("whether a reload is likely depends on what changed, and on the release", async () => {
  await using scene = new Scene();
  const isLikely = (servers: string, rest = "backend b\n") => {
    scene.scanned = `${rest}${servers}`;
    return [scene.servers.hasSameRest(), scene.servers.isLikely()];
  };
  const MOVED = "  server s1 10.0.0.1:81\n";
  assert.deepEqual(isLikely(MOVED), [false, false]);
  scene.serve(1);
  assert.deepEqual(isLikely(MOVED), [true, true]);
  assert.deepEqual(isLikely(MOVED, "backend c\n"), [false, false]);
  assert.deepEqual(isLikely("  server s1 10.0.0.1:81 check\n"), [true, false]);
  const more = "  server s1 10.0.0.1:80\n  server s2 10.0.0.2:80\n";
  assert.deepEqual(isLikely(more), [true, true]);
  scene.serve(1, "2.6.12-1");
  assert.deepEqual(isLikely(more), [true, false]);
});

Deno.test("a hot apply of something else goes on deleting, and one that failed as well", async () => {
  await using scene = new Scene();
  await using haproxy = new ScriptedHaproxy(scene.socket, answering());
  scene.serve(1);
  scene.servers.follow(1, applied(target(scene.configuration, REMOVED)));
  await scene.servers.quiesce(NEVER);
  scene.servers.follow(1, NOTHING);
  await waitFor(
    "the third attempt",
    () => haproxy.commands.filter((command) => command === "del server b/s1").length === 3,
  );
  await scene.servers.quiesce(NEVER);
});

Deno.test("nothing is deleted from a generation that does not serve any more", async () => {
  await using scene = new Scene();
  await using haproxy = new ScriptedHaproxy(scene.socket, answering());
  scene.serve(1);
  scene.serve(2);
  scene.servers.follow(1, NOTHING);
  await scene.servers.quiesce(NEVER);
  assert.deepEqual(haproxy.commands, []);
});

const ROW = "3 b 1 s1 10.0.0.1 2 0 20 10 9 1 0 4 0 0 0 0 - 80 - 0 0 - - 0";
const STATE = `1\n# be_id\n${ROW}\n`;

Deno.test("the state of what serves is put right by what the files say now", async () => {
  await using scene = new Scene();
  scene.serve(1);
  assert.match(await scene.servers.passed(1, STATE), / - 81 -\n$/);
  assert.match(await scene.servers.passed(2, STATE), / - 81 -\n$/);
  Deno.removeSync(scene.configuration);
  assert.equal(await scene.servers.passed(1, STATE), STATE);
  scene.servers.serve(1, NO_TARGETS, null);
  assert.equal(await scene.servers.passed(1, STATE), STATE);
});

Deno.test("a removed server that HAProxy never lets go is told once, and counted until it is there again", async () => {
  await using scene = new Scene(100);
  const refusal = "Server still has connections attached to it, cannot remove it.\n";
  await using _ = new ScriptedHaproxy(scene.socket, () => refusal);
  scene.serve(1);
  scene.servers.follow(1, applied(target(scene.configuration, REMOVED)));
  await waitFor("the line", () => scene.logged.length > 0);
  assert.deepEqual(scene.servers.removed, ["b/s1"]);
  await scene.servers.quiesce(NEVER);
  scene.servers.follow(1, NOTHING);
  await waitFor("more attempts", () => _.commands.filter((one) => one !== "").length > 4);
  assert.deepEqual(scene.logged, [
    "generation 1 cannot delete removed servers yet (HAProxy says " +
    `"${refusal.trim()}"); they stay in maintenance, at the latest until the next reload: "b/s1"`,
  ]);
  await scene.servers.quiesce(NEVER);
  const hot = new Map([["b/s1", { weight: 1, isDisabled: false }]]);
  scene.servers.follow(1, applied(target(scene.configuration, { hot })));
  assert.deepEqual(scene.servers.removed, []);
});

Deno.test("what is removed is known as such until deleting goes on", async () => {
  await using scene = new Scene();
  await using haproxy = new ScriptedHaproxy(scene.socket, answering());
  scene.serve(1);
  scene.servers.follow(1, applied(target(scene.configuration, REMOVED)));
  await scene.servers.quiesce(NEVER);
  const asked = haproxy.commands.length;
  assert.equal(await scene.servers.passed(1, STATE), "1\n# be_id\n");
  assert.equal(haproxy.commands.length, asked);
  scene.servers.follow(1, null);
  await waitFor("it to be deleted", () => scene.servers.removed.length === 0);
});

Deno.test("nothing is passed on of removed servers, and of those that nobody knows of", async () => {
  await using scene = new Scene();
  const file = "backend b\n  server s1 10.0.0.1:80\n";
  scene.write("h.cfg", file);
  scene.serve(1, "2.6.12-1");
  assert.equal(await scene.servers.passed(1, STATE), STATE);
  scene.servers.follow(1, { ...NOTHING, unconfirmed: [target("", { doubtful: ["b/s1"] })] });
  assert.equal(await scene.servers.passed(1, STATE), "1\n# be_id\n");
  scene.serve(1, "2.6.12-1");
  scene.servers.follow(1, applied(target(scene.configuration, REMOVED)));
  assert.equal(await scene.servers.passed(1, STATE), "1\n# be_id\n");
});
