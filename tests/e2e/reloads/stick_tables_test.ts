/** Stick-tables survive every reload, which waits until they can be passed on, and only for that. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { firstAnswer } from "../../../lib/haproxy/runtime/instance.ts";
import { canPassTables } from "../../../lib/haproxy/runtime/stick_tables.ts";
import { isListening } from "../../../lib/haproxy/runtime/client.ts";
import { startHaproxy } from "../../support/haproxy/bare.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { longTest } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import type { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const LOCAL_PEER = ["-L", "local"];

/** Counts visits in a table, and answers with `text` and their number. */
class Counting extends Observed {
  readonly #peerPort = freePort();
  readonly words = join(this.configurationDirectory, "words.map");

  constructor() {
    super();
    Deno.writeTextFileSync(this.words, "word first\n");
    Deno.writeTextFileSync(this.configuration, this.counting("one"));
  }

  counting(text: string, { peers = "peer local", table = "peers mine" } = {}): string {
    const section = peers === "" ? "" : `peers mine\n    ${peers} 127.0.0.1:${this.#peerPort}\n`;
    return `${section}defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
backend visits
    stick-table type string len 32 size 10k expire 10m store gpc0 ${table}
frontend page
    bind 127.0.0.1:${this.port}
    http-request track-sc0 path table visits if { path /visit }
    http-request sc-inc-gpc0(0) if { path /visit }
    http-request return status 200 content-type text/plain lf-string "%[str(word),map(${this.words})]" if { path /word }
    http-request return status 200 content-type text/plain lf-string "${text} %[str(/visit),table_gpc0(visits)]"
`;
  }

  async visit(): Promise<void> {
    await (await fetch(`http://127.0.0.1:${this.port}/visit`)).text();
  }

  async word(): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.port}/word`)).text();
  }
}

/** Serves three visits, before its tables can be passed on. */
async function serveVisited(workspace: Counting, args: readonly string[] = []): Promise<Wrapper> {
  const wrapper = await workspace.serveObserved([...LOCAL_PEER, ...args]);
  for (let visits = 0; visits < 3; visits++) await workspace.visit();
  return wrapper;
}

interface Haproxy extends AsyncDisposable {
  readonly socket: string;
  drain(): void;
}

/** Starts HAProxy as the wrapper does, to take over from the one behind `takeover`, and waits until it serves. */
async function startByHand(
  workspace: Workspace,
  name: string,
  takeover?: string,
): Promise<Haproxy> {
  const socket = join(workspace.runtimeDirectory, `${name}.sock`);
  const first = join(workspace.runtimeDirectory, `${name}.cfg`);
  const stats = `global\n stats socket ${socket} level admin expose-fd listeners\n`;
  await Deno.writeTextFile(first, stats);
  const child = startHaproxy(
    ...["-db", ...LOCAL_PEER, "-f", first, "-f", workspace.configuration],
    ...takeover === undefined ? [] : ["-x", takeover],
  );
  await firstAnswer(socket, new AbortController().signal);
  return {
    socket,
    drain: () => child.kill("SIGUSR1"),
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch { /* It has drained. */ }
      await child.status;
    },
  };
}

/** Whether this HAProxy cannot pass tables on at first. */
const waits = await (async () => {
  await using workspace = new Counting();
  await using haproxy = await startByHand(workspace, "first");
  return !await canPassTables(haproxy.socket);
})();

async function passesByHand(untilTheyPass: boolean): Promise<boolean> {
  await using workspace = new Counting();
  await using old = await startByHand(workspace, "old");
  await workspace.visit();
  if (untilTheyPass) {
    await waitFor("tables that can be passed on", () => canPassTables(old.socket));
  }
  await using _next = await startByHand(workspace, "next", old.socket);
  old.drain();
  await waitFor("the old one to listen no more", async () => !await isListening(old.socket));
  // It takes some milliseconds; what is expected to be lost has had a second.
  const isLost = waits && !untilTheyPass;
  return await waitFor("1 visit", async () => await workspace.get() === "one 1", {
    ...isLost ? { deadlineMs: 1_000 } : {},
  }).catch(() => false);
}

longTest("without the wrapper, HAProxy's resync shows if tables are passed on", async () => {
  assert.equal(await passesByHand(false), !waits);
  assert.equal(await passesByHand(true), true);
});

longTest("tables survive two changes in a row", async () => {
  await using workspace = new Counting();
  const wrapper = await serveVisited(workspace);
  for (const text of ["two", "three"]) {
    await workspace.replace(workspace.counting(text));
    await workspace.serves(`${text} 3`, wrapper);
  }
  await wrapper.stopsAt(3);
  const lines = wrapper.lines.filter((line) => line.includes("reload delayed"));
  assert.equal(lines.length, waits ? 2 : 0, wrapper.output);
});

longTest("tables survive two signals in a row", async () => {
  await using workspace = new Counting();
  const wrapper = await serveVisited(workspace);
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 2 serves, .* SIGHUP/);
  wrapper.signal("SIGUSR2");
  await wrapper.says(/generation 3 serves, .* SIGUSR2/);
  await workspace.serves("one 3", wrapper);
  await wrapper.stopsAt(3);
});

longTest("POST /reload is answered after the wait, which the status shows", async () => {
  await using workspace = new Counting();
  const wrapper = await serveVisited(workspace, ["--enable-reload-endpoint"]);
  const answer = workspace.ask("/reload", { method: "POST" });
  if (waits) {
    const report = await workspace.reports("a wait", ({ waiting }) => waiting !== null, wrapper);
    assert.equal(report.waiting?.for, "stick-tables");
    assert.ok(report.healthy && report.ready && report.state === "delaying");
    const leftMs = Date.parse(report.waiting!.until!) - Date.now();
    assert.ok(leftMs > 0 && leftMs <= 8_000, `${leftMs} ms`);
  }
  const { status, body } = await answer;
  assert.equal(status, 200, wrapper.output);
  assert.equal(JSON.parse(body).generation, 2);
  await workspace.serves("one 3", wrapper);
  assert.equal((await workspace.report()).waiting, null);
});

longTest("a hot apply does not wait, and does not disturb a waiting reload", async () => {
  await using workspace = new Counting();
  const wrapper = await serveVisited(workspace);
  wrapper.signal("SIGHUP");
  if (waits) await wrapper.says(/reload delayed by at most/);
  await workspace.replace("word second\n", workspace.words);
  await wrapper.until("the second word", async () => await workspace.word() === "second");
  if (waits) await wrapper.says(/words.map" updated in generation 1/);
  await wrapper.says(/generation 2 serves, .* SIGHUP/);
  await workspace.serves("one 3", wrapper);
});

const WITHOUT: Readonly<Record<string, { readonly peers?: string; readonly table?: string }>> = {
  "no peers section": { peers: "", table: "" },
  "no local peer": { peers: "peer other" },
  "no table in its peers section": { table: "" },
};

for (const [what, parts] of Object.entries(WITHOUT)) {
  longTest(`a configuration with ${what} waits for nothing`, async () => {
    await using workspace = new Counting();
    await workspace.replace(workspace.counting("one", parts));
    const wrapper = await serveVisited(workspace);
    wrapper.signal("SIGHUP");
    await wrapper.says(/generation 2 serves/);
    await workspace.replace(workspace.counting("two", parts));
    await wrapper.says(/generation 3 serves/);
    assert.doesNotMatch(wrapper.output, /reload delayed/);
  });
}

longTest("a delayed reload ends with the wrapper", async () => {
  for (const [signal, exitCode] of [["SIGTERM", 143], ["SIGUSR1", 0]] as const) {
    await using workspace = new Counting();
    const wrapper = await serveVisited(workspace);
    wrapper.signal("SIGHUP");
    if (waits) await wrapper.says(/reload delayed by at most/);
    await wrapper.endsBy(signal, exitCode);
    if (waits) assert.doesNotMatch(wrapper.output, /generation 2/);
    assert.deepEqual(workspace.haproxyPids(), []);
  }
});
