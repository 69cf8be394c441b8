/** What was hot-applied to servers, or has changed in the file, is not undone by the state that a reload passes on. */
import assert from "node:assert/strict";
import { commonTest, longTest } from "../../support/wrapper/program.ts";
import { Served } from "../../support/wrapper/served.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import { IS_ADDRESS_HOT } from "./trusted.ts";

const LOADING = { defaults: "load-server-state-from-file global" };

class Passing extends Served {
  #reloads = 0;

  async serveServers(lines: readonly string[]): Promise<Wrapper> {
    await this.writeServers(lines, LOADING);
    return await this.serve();
  }

  /** Changes servers alone. */
  async apply(lines: readonly string[], wrapper: Wrapper, said: RegExp): Promise<void> {
    const extra = this.#extra();
    await this.writeServers(lines, { ...LOADING, extra });
    await wrapper.says(said);
  }

  /** Changes something else as well. */
  async reload(lines: readonly string[], wrapper: Wrapper): Promise<void> {
    this.#reloads++;
    await this.writeServers(lines, { ...LOADING, extra: this.#extra() });
    await wrapper.says(new RegExp(`generation ${this.#reloads + 1} serves`));
    await this.haveStopped(this.#reloads, wrapper);
  }

  #extra(): string {
    return this.#reloads === 0 ? "" : `backlog ${1_000 + this.#reloads}`;
  }
}

commonTest("a weight that the file takes back is back", async () => {
  await using workspace = new Passing();
  const line = (weight: number) => [`server s1 ${workspace.addresses.a} weight ${weight}`];
  const wrapper = await workspace.serveServers(line(10));
  await workspace.apply(line(20), wrapper, /weight of "s1" 10 to 20/);
  await workspace.reload(line(10), wrapper);
  assert.equal((await workspace.rows()).s1?.srv_uweight, "10", wrapper.output);
});

commonTest(
  "a weight that was hot-applied, and one set by hand, stay as long as the file does",
  async () => {
    await using workspace = new Passing();
    const lines = (weight: number) => [
      `server s1 ${workspace.addresses.a} weight ${weight}`,
      `server s2 ${workspace.addresses.b} weight ${weight}`,
    ];
    const wrapper = await workspace.serveServers(lines(10));
    await workspace.apply(lines(20), wrapper, /weight of "s1" 10 to 20/);
    await workspace.command("set server app/s2 weight 5");
    await workspace.reload(lines(20), wrapper);
    const { s1, s2 } = await workspace.rows();
    assert.deepEqual([s1?.srv_uweight, s2?.srv_uweight], ["20", "5"], wrapper.output);
  },
);

commonTest("a server that was disabled without a reload is enabled by one", async () => {
  await using workspace = new Passing();
  const { a, b } = workspace.addresses;
  const wrapper = await workspace.serveServers([`server s1 ${a}`, `server s2 ${b}`]);
  await workspace.apply([`server s1 ${a}`, `server s2 ${b} disabled`], wrapper, /"s2" disabled/);
  await workspace.reload([`server s1 ${a}`, `server s2 ${b} disabled`], wrapper);
  assert.equal(await workspace.answers(), "a");
  await workspace.reload([`server s1 ${a}`, `server s2 ${b}`], wrapper);
  assert.equal(await workspace.answers(), "a,b", wrapper.output);
});

commonTest("a server that was removed without a reload comes back by one", async () => {
  await using workspace = new Passing();
  const { a, b } = workspace.addresses;
  const wrapper = await workspace.serveServers([`server s1 ${a}`, `server s2 ${b}`]);
  await workspace.apply([`server s1 ${a}`], wrapper, /server "s2" removed/);
  await workspace.reload([`server s1 ${a}`, `server s2 ${b}`], wrapper);
  assert.equal(await workspace.answers(), "a,b", wrapper.output);
});

commonTest("another port in the file counts, hot-applied or not", async () => {
  await using workspace = new Passing();
  const line = (name: "a" | "b" | "c") => [`server s1 ${workspace.addresses[name]}`];
  const wrapper = await workspace.serveServers(line("a"));
  if (IS_ADDRESS_HOT) await workspace.apply(line("b"), wrapper, /address of "s1"/);
  else await workspace.reload(line("b"), wrapper);
  assert.equal(await workspace.answers(), "b");
  await workspace.reload(line("c"), wrapper);
  assert.equal(await workspace.answers(), "c", wrapper.output);
  await workspace.reload(line("c"), wrapper);
  assert.equal(await workspace.answers(), "c", wrapper.output);
});

commonTest(
  "a server that is not checked is up once the file does not disable it any more",
  async () => {
    await using workspace = new Passing();
    const { a, b } = workspace.addresses;
    const wrapper = await workspace.serveServers([`server s1 ${a}`, `server s2 ${b} disabled`]);
    await workspace.reload([`server s1 ${a}`, `server s2 ${b}`], wrapper);
    assert.equal(await workspace.answers(), "a,b", wrapper.output);
  },
);

longTest("what was hot-applied is recorded with what served last", async () => {
  await using workspace = new Passing();
  const flags = ["--last-good", workspace.at("recorded")];
  const write = (weight: number) =>
    workspace.writeServers([`server s1 ${workspace.addresses.a} weight ${weight}`]);
  await write(10);
  const first = await workspace.serve({ flags });
  await write(20);
  await first.says(/weight of "s1" 10 to 20/);
  await first.says(/has served for 10s/);
  first.signal("SIGTERM");
  await first.exitCode;
  await workspace.replace("nonsense\n");
  const next = workspace.start({ flags });
  await next.says(/generation 2 serves, .*; started from what served last/);
  assert.equal((await workspace.rows()).s1?.srv_uweight, "20", next.output);
});
