/** Bugs in the wrapper itself, injected by a preloaded file: HAProxy keeps serving. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { Observed } from "../../support/wrapper/observed.ts";
import { type Need, testNeeding } from "../../support/needs.ts";
import { FORM, PROGRAM } from "../../support/wrapper/program.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** An executable preloads nothing. */
const FROM_SOURCE: Need = { missing: null, isElsewhere: FORM !== "source" };

class Buggy extends Observed {
  readonly #bugs = this.at("bugs");

  async serveBuggy(): Promise<Wrapper> {
    await Deno.mkdir(this.#bugs);
    const [deno, run, ...rest] = PROGRAM;
    const preload = `--preload=${join(import.meta.dirname!, "inject_bugs.ts")}`;
    const program = [deno!, run!, preload, ...rest];
    return await this.serveObserved([], { program });
  }

  async begin(bug: string): Promise<void> {
    await Deno.writeTextFile(join(this.#bugs, bug), "");
  }

  async end(bug: string): Promise<void> {
    await Deno.remove(join(this.#bugs, bug));
  }

  /** Asserts that it has recovered, has logged each bug once, and exits when told to. */
  async isSound(wrapper: Wrapper, bug: string): Promise<void> {
    await this.changeTo("sound", wrapper);
    assert.ok((await this.metric("bugs_total"))! > 0, wrapper.output);
    const { lastBug, state } = await this.report();
    assert.match(lastBug!.description, new RegExp(`an injected bug in the ${bug}`));
    assert.ok(["serving", "reloading", "hot_applying"].includes(state), state);
    const lines = wrapper.lines.filter((line) => / a bug in the wrapper, please/.test(line));
    assert.equal(new Set(lines.map((line) => line.slice(25))).size, lines.length, wrapper.output);
    await wrapper.endsBy("SIGTERM", 143);
  }
}

testNeeding([FROM_SOURCE], "a handoff that throws counts as failed and is retried", async () => {
  await using workspace = new Buggy();
  const wrapper = await workspace.serveBuggy();
  await workspace.begin("handoff");
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/generation 2 rejected: a bug in the wrapper: TypeError: an injected/);
  await wrapper.says(/generation 3 rejected: a bug in the wrapper: TypeError: an injected/);
  assert.equal(await workspace.get(), "one");
  await workspace.end("handoff");
  await workspace.serves("two", wrapper);
  await workspace.isSound(wrapper, "handoff");
});

testNeeding([FROM_SOURCE], "a scan that throws stops nothing and is repeated", async () => {
  await using workspace = new Buggy();
  const wrapper = await workspace.serveBuggy();
  await workspace.begin("scan");
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/a bug in the wrapper, please report it: TypeError: an injected/);
  assert.equal(await workspace.get(), "one");
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 2 rejected: a bug in the wrapper.*keeps serving/);
  await workspace.end("scan");
  await workspace.serves("two", wrapper);
  await workspace.isSound(wrapper, "scan");
});

testNeeding([FROM_SOURCE], "errors in the background are logged once", async () => {
  await using workspace = new Buggy();
  const wrapper = await workspace.serveBuggy();
  await workspace.begin("background");
  await wrapper.says(/please report it: TypeError: an injected bug in the background/);
  for (const text of ["two", "three"]) await workspace.changeTo(text, wrapper);
  await workspace.isSound(wrapper, "background");
});

testNeeding([FROM_SOURCE], "a status that throws affects neither probes nor reloads", async () => {
  await using workspace = new Buggy();
  const wrapper = await workspace.serveBuggy();
  await workspace.begin("status");
  assert.equal((await workspace.ask("/status")).status, 500);
  assert.equal((await workspace.ask("/healthz")).status, 200);
  await workspace.changeTo("two", wrapper);
  await workspace.end("status");
  await workspace.isSound(wrapper, "status");
});

testNeeding([FROM_SOURCE], "a first start that throws ends with 70, leaving nothing", async () => {
  await using workspace = new Buggy();
  await Deno.mkdir(workspace.at("bugs"));
  await workspace.begin("handoff");
  const [deno, run, ...rest] = PROGRAM;
  const preload = `--preload=${join(import.meta.dirname!, "inject_bugs.ts")}`;
  const wrapper = workspace.start({ program: [deno!, run!, preload, ...rest] });
  await wrapper.endsWith(70);
  assert.match(wrapper.output, /generation 1 did not start: a bug in the wrapper: TypeError: an/);
});
