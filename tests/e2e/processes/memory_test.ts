/** A control group's memory limit is kept by ending old processes, never by the kernel. */
import assert from "node:assert/strict";
import { memoryNeed } from "../../../lib/haproxy/drain/limits.ts";
import { close } from "../../../lib/status/http/connection.ts";
import { MEMORY_GROUPS, MemoryGroup } from "./memory_group.ts";
import { testNeeding } from "../../support/needs.ts";
import { RUNNABLE } from "../../support/wrapper/program.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { freeze } from "../../support/machine/processes.ts";
import { finish } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const NEEDS = [RUNNABLE, MEMORY_GROUPS];

const MB = 2 ** 20;

/** Makes a process take 200 MB, in pieces, so that it never has more. */
const LUA =
  "memory = {}; for i = 1, 200 do memory[i] = string.rep(string.rep(i % 10, 1024), 1024) end";

/** Large processes, each with an open request that keeps it from draining. */
class Large extends Observed {
  readonly #requests: Deno.TcpConn[] = [];

  override page(text: string): string {
    return super.page(text, { extra: `global\n    lua-load ${this.path}/large.lua` });
  }

  async serveIn(group: MemoryGroup, args: readonly string[] = []): Promise<Wrapper> {
    await Deno.writeTextFile(`${this.path}/large.lua`, LUA);
    await Deno.writeTextFile(this.configuration, this.page("one"));
    const wrapper = await this.serveObserved(args, { launcher: group.launcher });
    this.#requests.push(await this.openRequest());
    return wrapper;
  }

  async reload(text: string, wrapper: Wrapper): Promise<void> {
    await this.changeTo(text, wrapper);
    await this.haveStopped(this.#requests.length, wrapper);
    this.#requests.push(await this.openRequest());
  }

  /** What the wrapper wants for one more process; their size differs between branches. */
  get needBytes(): number {
    const [pid] = this.haproxyPids();
    return memoryNeed(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  }

  /** The answer to a generation's open request. */
  async finish(generation: number): Promise<string> {
    return await finish(this.#requests[generation - 1]!);
  }

  /** Generation 3 does not fit unless generation 1 ends, which is frozen. */
  async reloadBesideFrozen(group: MemoryGroup, args: readonly string[] = []): Promise<Wrapper> {
    const wrapper = await this.serveIn(group, args);
    const [oldest] = this.haproxyPids();
    await this.reload("two", wrapper);
    group.limit(group.usedBytes + 0.5 * this.needBytes);
    await freeze(oldest!);
    await this.replace(this.page("three"));
    return wrapper;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#requests.forEach(close);
    await super[Symbol.asyncDispose]();
  }
}

testNeeding(NEEDS, "a reload that does not fit ends the oldest draining process", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.serveIn(group);
  group.limit(group.usedBytes + 1.6 * workspace.needBytes);
  await workspace.reload("two", wrapper);
  assert.doesNotMatch(wrapper.output, /ending generation|starts anyway/);
  await workspace.reload("three", wrapper);
  await wrapper.says(
    /warning .*ending generation 1, the oldest draining process: generation 3 needs about 2\d\d MB, but only \d+ MB of the limit of \d+ MB are left\n/,
  );
  await wrapper.says(
    /warning .*generation 1 ended with 1 connection open after .*: its memory was needed\n/,
  );
  assert.match(await workspace.finish(2), /two$/);
  await wrapper.says(/generation 2 drained in /);
  await workspace.measures('drains_cut_total{reason="memory"}', 1, wrapper);
  assert.equal(group.killed, 0, wrapper.output);
  assert.equal(workspace.haproxyPids().length, 1);
});

testNeeding(NEEDS, "as many draining processes are ended as it takes", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.serveIn(group);
  await workspace.reload("two", wrapper);
  await workspace.reload("three", wrapper);
  assert.equal(workspace.haproxyPids().length, 3);
  // Ending one of the two draining processes does not free enough.
  group.limit(group.usedBytes + 12 * MB);
  await workspace.reload("four", wrapper);
  await wrapper.says(/ending generation 1, the oldest draining process: generation 4/);
  await wrapper.says(/ending generation 2, the oldest draining process: generation 4/);
  assert.equal(group.killed, 0, wrapper.output);
});

testNeeding(NEEDS, "if nothing drains, what does not fit is started anyway", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.serveIn(group);
  group.limit(group.usedBytes + workspace.needBytes - 12 * MB);
  await workspace.reload("two", wrapper);
  await wrapper.says(
    /warning .*generation 2 needs about .* are left; no draining process can make room, so it starts anyway\n/,
  );
  assert.match(await workspace.finish(1), /one$/);
  await wrapper.says(/generation 1 drained in /);
  assert.equal(group.killed, 0, wrapper.output);
});

testNeeding(NEEDS, "a signal does not wait for memory", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.reloadBesideFrozen(group);
  await wrapper.says(/ending generation 1, the oldest draining process/);
  await wrapper.endsBy("SIGTERM", 143);
  assert.doesNotMatch(wrapper.output, /generation 3 (serves|rejected)/);
});

testNeeding(NEEDS, "a draining process that ignores SIGTERM is killed", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.reloadBesideFrozen(group);
  await workspace.serves("three", wrapper);
  await wrapper.says(/generation 1 .*its memory was needed, and it ignored SIGTERM/);
  assert.equal(group.killed, 0, wrapper.output);
});

testNeeding(NEEDS, "a reload stops waiting for memory when the serving process dies", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.reloadBesideFrozen(group, ["--respawn", "1"]);
  await wrapper.says(/ending generation 1, the oldest draining process/);
  const pids = workspace.haproxyPids();
  const [oldest, serving] = pids;
  Deno.kill(serving!, "SIGKILL");
  // The oldest is killed 5 s after SIGTERM; nothing may wait for that.
  await wrapper.until("another process beside the oldest", () => {
    const now = workspace.haproxyPids();
    return now.includes(oldest!) && now.some((pid) => !pids.includes(pid));
  });
  await wrapper.says(/generation 3, already starting, takes its place/);
  await wrapper.says(/generation 4 serves, .*respawned because generation 2/);
  await workspace.serves("three", wrapper);
  await wrapper.says(/generation 1 .*its memory was needed, and it ignored SIGTERM/);
  assert.equal(group.killed, 0, wrapper.output);
});

testNeeding(NEEDS, "the status shows the limit and what is left of it", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Observed();
  await workspace.serveObserved([], { launcher: group.launcher });
  const { memory } = JSON.parse((await workspace.ask("/status")).body);
  assert.equal(memory.limitBytes, 4_096 * MB);
  const used = group.usedBytes;
  assert.ok(Math.abs(memory.limitBytes - memory.availableBytes - used) < 20 * MB);
});
