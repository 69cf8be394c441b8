/** A control group's limit of memory is kept by ending old processes, and never by the kernel. */
import assert from "node:assert/strict";
import { MemoryGroup, memoryTest } from "./memory_group.ts";
import { Observed } from "./observed.ts";
import { freeze, type Wrapper } from "./wrapper.ts";

const MB = 2 ** 20;

/** Makes one process take 200 MB of its own, in pieces, so that it never has more. */
const LUA =
  "memory = {}; for i = 1, 200 do memory[i] = string.rep(string.rep(i % 10, 1024), 1024) end";

/** What the wrapper wants to have for one more process. */
const NEED_BYTES = 230 * MB;

class Large extends Observed {
  override page(text: string): string {
    return super.page(text, { extra: `global\n    lua-load ${this.path}/large.lua` });
  }

  /** Generation 1 serves in `group` and holds a request. */
  async serveIn(group: MemoryGroup): Promise<[Wrapper, Deno.TcpConn]> {
    await Deno.writeTextFile(`${this.path}/large.lua`, LUA);
    await Deno.writeTextFile(this.configuration, this.page("one"));
    const wrapper = await this.serveObserved([], { launcher: group.launcher });
    return [wrapper, await this.openRequest()];
  }

  /** The next generation serves, and what served drains since it holds a request. */
  async reload(text: string, wrapper: Wrapper): Promise<Deno.TcpConn> {
    await this.replace(this.page(text));
    await this.serves(text, wrapper);
    return await this.openRequest();
  }
}

memoryTest("a reload that does not fit has the oldest that drains ended first", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const [wrapper, _first] = await workspace.serveIn(group);
  using _ = _first;
  group.limit(group.usedBytes + 1.6 * NEED_BYTES);
  using second = await workspace.reload("two", wrapper);
  assert.doesNotMatch(wrapper.output, /is ended|started all the same/);
  using _third = await workspace.reload("three", wrapper);
  await wrapper.saysMatching(
    /warning .*generation 1, the oldest that drains, is ended: generation 3 needs about 23\d MB, \d+ MB of the limit of \d+ MB are left\n/,
  );
  await wrapper.saysMatching(
    /warning .*generation 1 ended with 1 connection open after .*: its memory was needed\n/,
  );
  await second.write(new TextEncoder().encode("\r\n"));
  assert.match(await new Response(second.readable).text(), /two$/);
  await wrapper.saysMatching(/generation 2 drained in /);
  await workspace.measures('drains_cut_total{reason="memory"}', 1, wrapper);
  assert.equal(group.killed, 0, wrapper.output);
  assert.equal(workspace.haproxyPids().length, 1);
});

memoryTest(
  "as many are ended as it takes",
  async () => {
    await using group = new MemoryGroup(4_096 * MB);
    await using workspace = new Large();
    const [wrapper, _first] = await workspace.serveIn(group);
    using _ = _first;
    using _second = await workspace.reload("two", wrapper);
    using _third = await workspace.reload("three", wrapper);
    assert.equal(workspace.haproxyPids().length, 3);
    // What one of the two that drain leaves is less than is wanted for the next.
    group.limit(group.usedBytes + 12 * MB);
    using _fourth = await workspace.reload("four", wrapper);
    await wrapper.saysMatching(/generation 1, the oldest that drains, is ended: generation 4/);
    await wrapper.saysMatching(/generation 2, the oldest that drains, is ended: generation 4/);
    assert.equal(group.killed, 0, wrapper.output);
  },
);

memoryTest("where nothing drains, what does not fit is started all the same", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const [wrapper, request] = await workspace.serveIn(group);
  request.close();
  group.limit(group.usedBytes + NEED_BYTES - 12 * MB);
  await workspace.replace(workspace.page("two"));
  await workspace.serves("two", wrapper);
  assert.match(
    wrapper.output,
    /warning .*generation 2 needs about .* are left; nothing drains that could make room, so it is started all the same\n/,
  );
  await wrapper.saysMatching(/generation 1 drained in /);
  assert.equal(group.killed, 0, wrapper.output);
});

memoryTest("a signal does not wait for the memory of a process that does not go", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const [wrapper, _first] = await workspace.serveIn(group);
  using _ = _first;
  const [oldest] = workspace.haproxyPids();
  using _second = await workspace.reload("two", wrapper);
  group.limit(group.usedBytes + 0.5 * NEED_BYTES);
  await freeze(oldest!);
  await workspace.replace(workspace.page("three"));
  await wrapper.saysMatching(/generation 1, the oldest that drains, is ended/);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.doesNotMatch(wrapper.output, /generation 3 (serves|rejected)/);
  assert.deepEqual(workspace.haproxyPids(), []);
});

memoryTest("one that does not heed SIGTERM is killed, and then the reload goes on", async () => {
  await using group = new MemoryGroup(4_096 * MB);
  await using workspace = new Large();
  const [wrapper, _first] = await workspace.serveIn(group);
  using _ = _first;
  const [oldest] = workspace.haproxyPids();
  using _second = await workspace.reload("two", wrapper);
  group.limit(group.usedBytes + 0.5 * NEED_BYTES);
  await freeze(oldest!);
  await workspace.replace(workspace.page("three"));
  await workspace.serves("three", wrapper);
  await wrapper.saysMatching(/generation 1 .*its memory was needed, and it did not heed SIGTERM/);
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
