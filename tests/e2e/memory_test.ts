/** A control group's limit of memory is kept by ending old processes, and never by the kernel. */
import assert from "node:assert/strict";
import { memoryNeed } from "../../lib/haproxy/drain/limits.ts";
import { MemoryGroup, memoryTest } from "./memory_group.ts";
import { Observed } from "../support/observed.ts";
import { freeze, type Wrapper } from "../support/wrapper.ts";

const MB = 2 ** 20;

/** Makes one process take 200 MB of its own, in pieces, so that it never has more. */
const LUA =
  "memory = {}; for i = 1, 200 do memory[i] = string.rep(string.rep(i % 10, 1024), 1024) end";

/** Large processes, each of which has a request open that keeps it from being done. */
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
    await this.replace(this.page(text));
    await this.serves(text, wrapper);
    await this.haveStopped(this.#requests.length, wrapper);
    this.#requests.push(await this.openRequest());
  }

  /** What the wrapper wants to have for one more process: how large one is differs from branch to branch. */
  get needBytes(): number {
    const [pid] = this.haproxyPids();
    return memoryNeed(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  }

  /** The answer to the request that `generation` has open. */
  async finish(generation: number): Promise<string> {
    const request = this.#requests[generation - 1]!;
    await request.write(new TextEncoder().encode("\r\n"));
    return await new Response(request.readable).text();
  }

  /** Generation 3 does not fit unless generation 1 goes, which can hear of nothing. */
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
    for (const request of this.#requests) tryToClose(request);
    await super[Symbol.asyncDispose]();
  }
}

/** One whose answer was read is closed already. */
function tryToClose(request: Deno.TcpConn): void {
  try {
    request.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

memoryTest("a reload that does not fit has the oldest that drains ended first", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.serveIn(group);
  group.limit(group.usedBytes + 1.6 * workspace.needBytes);
  await workspace.reload("two", wrapper);
  assert.doesNotMatch(wrapper.output, /ending generation|starts anyway/);
  await workspace.reload("three", wrapper);
  await wrapper.saysMatching(
    /warning .*ending generation 1, the oldest that drains: generation 3 needs about 2\d\d MB, only \d+ MB of the limit of \d+ MB are left\n/,
  );
  await wrapper.saysMatching(
    /warning .*generation 1 ended with 1 connection open after .*: its memory was needed\n/,
  );
  assert.match(await workspace.finish(2), /two$/);
  await wrapper.saysMatching(/generation 2 drained in /);
  await workspace.measures('drains_cut_total{reason="memory"}', 1, wrapper);
  assert.equal(group.killed, 0, wrapper.output);
  assert.equal(workspace.haproxyPids().length, 1);
});

memoryTest("as many are ended as it takes", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.serveIn(group);
  await workspace.reload("two", wrapper);
  await workspace.reload("three", wrapper);
  assert.equal(workspace.haproxyPids().length, 3);
  // What one of the two that drain leaves is less than is wanted for the next.
  group.limit(group.usedBytes + 12 * MB);
  await workspace.reload("four", wrapper);
  await wrapper.saysMatching(/ending generation 1, the oldest that drains: generation 4/);
  await wrapper.saysMatching(/ending generation 2, the oldest that drains: generation 4/);
  assert.equal(group.killed, 0, wrapper.output);
});

memoryTest("where nothing drains, what does not fit is started all the same", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.serveIn(group);
  group.limit(group.usedBytes + workspace.needBytes - 12 * MB);
  await workspace.reload("two", wrapper);
  await wrapper.saysMatching(
    /warning .*generation 2 needs about .* are left; no draining process can make room, so it starts anyway\n/,
  );
  assert.match(await workspace.finish(1), /one$/);
  await wrapper.saysMatching(/generation 1 drained in /);
  assert.equal(group.killed, 0, wrapper.output);
});

memoryTest("a signal does not wait for the memory of a process that does not go", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.reloadBesideFrozen(group);
  await wrapper.saysMatching(/ending generation 1, the oldest that drains/);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.doesNotMatch(wrapper.output, /generation 3 (serves|rejected)/);
  assert.deepEqual(workspace.haproxyPids(), []);
});

memoryTest("one that does not heed SIGTERM is killed, and then the reload goes on", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.reloadBesideFrozen(group);
  await workspace.serves("three", wrapper);
  await wrapper.saysMatching(/generation 1 .*its memory was needed, and it ignored SIGTERM/);
  assert.equal(group.killed, 0, wrapper.output);
});

memoryTest("a reload that waits for memory waits no longer when what serves dies", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const wrapper = await workspace.reloadBesideFrozen(group, ["--respawn", "1"]);
  await wrapper.saysMatching(/ending generation 1, the oldest that drains/);
  const [, serving] = workspace.haproxyPids();
  Deno.kill(serving!, "SIGKILL");
  await wrapper.saysMatching(/generation 3, already starting, takes its place/);
  const { index } = await wrapper.saysMatching(
    /generation 4 serves, .*respawned because generation 2/,
  );
  await workspace.serves("three", wrapper);
  // Generation 1 is killed 5 s after it was asked to go, which nothing has waited for.
  const killed = /generation 1 .*its memory was needed, and it ignored SIGTERM/;
  await wrapper.saysMatching(killed, index);
  assert.equal(group.killed, 0, wrapper.output);
});

memoryTest("the status tells the limit and what is left of it", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Observed();
  await workspace.serveObserved([], { launcher: group.launcher });
  const { memory } = JSON.parse((await workspace.ask("/status")).body);
  assert.equal(memory.limitBytes, 4_096 * MB);
  const used = group.usedBytes;
  assert.ok(Math.abs(memory.limitBytes - memory.availableBytes - used) < 20 * MB);
});
