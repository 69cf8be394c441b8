/** Probes are answered during floods of clients, and while many wait for a reload. */
import assert from "node:assert/strict";
import { ATTACKS, during } from "./floods.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { commonTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import { waitFor } from "../../support/wait.ts";

const CLIENTS = 400;
const PROBES = 30;

/** What one client that asks for `path` gets in the end, or "". */
async function ask(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`${request}\r\n\r\n`));
  return await new Response(connection.readable).text().catch((error) => String(error));
}

const statusOf = (answer: string) => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? answer;

/** One by one, like a kubelet. */
async function probe(port: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let number = 0; number < PROBES; number++) {
    const path = ["/healthz", "/readyz", "/metrics"][number % 3];
    const status = statusOf(await ask(port, `GET ${path} HTTP/1.1\r\nHost: 10.0.0.7:9101`));
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

for (const what of Object.keys(ATTACKS) as (keyof typeof ATTACKS)[]) {
  commonTest(`${CLIENTS} clients that ${what} keep no probe from its answer`, async () => {
    await using workspace = new Observed();
    await workspace.serveObserved();
    const port = workspace.statusPort;
    const answers = await during(what, { port, count: CLIENTS }, () => probe(port));
    assert.deepEqual(answers, { 200: PROBES });
  });
}

/** A workspace that starts no generation after the first until there is a file `go`. */
class Slow extends Observed {
  async serveSlowly(): Promise<Wrapper> {
    await this.standIn(STAND_INS.waits_for_go);
    this.letGo();
    const wrapper = await this.serveObserved(["--enable-reload-endpoint", "--no-reload"]);
    await Deno.remove(this.at("go"));
    return wrapper;
  }

  letGo(): void {
    this.write("go", "");
  }

  /** Waits until a reload is under way, during which every probe gets its answer. */
  async answersProbes(wrapper: Wrapper): Promise<void> {
    await this.reports("the reload", ({ state }) => state === "reloading", wrapper);
    assert.deepEqual(await probe(this.statusPort), { 200: PROBES });
  }
}

const POST = "POST /reload HTTP/1.1\r\nHost: localhost";

commonTest("64 requests share the answer to a slow reload, and delay no probe", async () => {
  await using workspace = new Slow();
  const wrapper = await workspace.serveSlowly();
  const port = workspace.statusPort;
  const first = ask(port, POST);
  await workspace.reports("the reload", ({ state }) => state === "reloading", wrapper);
  // A request that comes after the start must not get its answer.
  const others = Array.from({ length: 63 }, () => ask(port, POST));
  assert.deepEqual(await probe(port), { 200: PROBES });
  workspace.letGo();
  const generationOf = (answer: string) => Number(/"generation": (\d+)/.exec(answer)?.[1]);
  assert.equal(generationOf(await first), 2);
  const generations = (await Promise.all(others)).map(generationOf);
  assert.deepEqual([...new Set(generations)], [3]);
  assert.equal(await workspace.metric("generation"), 3, wrapper.output);
});

commonTest("a client that leaves costs no other the answer to the same reload", async () => {
  await using workspace = new Slow();
  const wrapper = await workspace.serveSlowly();
  const port = workspace.statusPort;
  const leaving = await Deno.connect({ hostname: "127.0.0.1", port });
  await leaving.write(new TextEncoder().encode(`${POST}\r\n\r\n`));
  await workspace.reports("the reload", ({ state }) => state === "reloading", wrapper);
  const [other, halfClosed] = [ask(port, POST), askAndEnd(port)];
  leaving.close();
  assert.deepEqual(await probe(port), { 200: PROBES });
  workspace.letGo();
  assert.equal(statusOf(await other), "200");
  assert.equal(statusOf(await halfClosed), "200");
});

/** Like `nc -N`. */
async function askAndEnd(port: number): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`${POST}\r\n\r\n`));
  await connection.closeWrite();
  return await new Response(connection.readable).text();
}

commonTest("SIGTERM while 64 clients wait for a reload ends all as usual", async () => {
  await using workspace = new Slow();
  const wrapper = await workspace.serveSlowly();
  const port = workspace.statusPort;
  const answers = Array.from({ length: 64 }, () => ask(port, POST));
  await workspace.answersProbes(wrapper);
  wrapper.signal("SIGTERM");
  const statuses = (await Promise.all(answers)).map(statusOf);
  assert.deepEqual([...new Set(statuses)], ["503"]);
  assert.equal(await wrapper.exitCode, 143);
});

commonTest("hundreds wait for a reload and delay no probe; some get a 503", async () => {
  await using workspace = new Slow();
  const wrapper = await workspace.serveSlowly();
  const port = workspace.statusPort;
  const answers: Promise<string>[] = [];
  for (let number = 0; number < 300; number++) {
    answers.push(ask(port, POST));
    // One at a time, so that none makes room before its request is read.
    if (number % 30 === 0) assert.equal(statusOf(await ask(port, "GET /readyz HTTP/1.1")), "200");
  }
  await workspace.answersProbes(wrapper);
  const early = await Promise.race(answers);
  assert.equal(statusOf(early), "503");
  workspace.letGo();
  const statuses = new Set((await Promise.all(answers)).map(statusOf));
  await waitFor("the last reload", async () => (await workspace.report()).state === "serving");
  assert.deepEqual([...statuses].sort(), ["200", "503"]);
});
