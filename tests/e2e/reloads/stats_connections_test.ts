/** Someone else holds all connections to the stats sockets. */
import assert from "node:assert/strict";
import { openPrompt, type Prompt } from "../../../lib/haproxy/runtime/client.ts";
import { commonTest, longTest, programTest } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

class StatsWorkspace extends Workspace implements AsyncDisposable {
  readonly #cli = this.at("cli.sock");
  readonly #held: Prompt[] = [];

  text(answer: string, global: string): string {
    return `global
    stats socket ${this.#cli} level admin
    stats timeout 1h
    ${global}
${this.page(answer)}`;
  }

  /** Opens connections as long as HAProxy accepts them, at most `most`, and returns how many there are. */
  async hold(most: number): Promise<number> {
    while (this.#held.length < most) {
      const prompt = await openPrompt(this.#cli, AbortSignal.timeout(2_000));
      if (prompt === null) break;
      this.#held.push(prompt);
    }
    return this.#held.length;
  }

  letGo(): void {
    for (const prompt of this.#held.splice(0)) prompt.close();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.letGo();
    await super[Symbol.asyncDispose]();
  }
}

const LIMITS: Readonly<Record<string, readonly [global: string, most: number]>> = {
  "a number": ["stats maxconn 70", 70],
  "a variable": ['stats maxconn "${MOST}"', 70],
  "a variable that a branch sets": [
    '.if defined(MOST)\n    setenv MANY 70\n.else\n    setenv MANY 20\n.endif\n    stats maxconn "$MANY"',
    70,
  ],
  "two lines, of which the last counts": ["stats maxconn 20\nglobal\n    stats maxconn 70", 70],
};

for (const [what, [global, most]] of Object.entries(LIMITS)) {
  commonTest(`a user's "stats maxconn" is not lowered: ${what}`, async () => {
    await using workspace = new StatsWorkspace();
    await workspace.replace(workspace.text("one", global));
    await workspace.serve({ env: { MOST: `${most}` } });
    assert.equal(await workspace.hold(most), most);
  });
}

programTest("as many connections as the user allows block no reload", async () => {
  await using workspace = new StatsWorkspace();
  await workspace.replace(workspace.text("one", "stats maxconn 60"));
  const wrapper = await workspace.serve();
  assert.equal(await workspace.hold(60), 60);
  await workspace.replace(workspace.text("two", "stats maxconn 60"));
  await workspace.serves("two", wrapper);
  await wrapper.stopsAt(2);
});

for (
  const [global, limit] of [
    ["", /all connections to its stats sockets, 50 or what "stats maxconn" says, are taken/],
    ["stats maxconn 60", /all 70 connections to its stats sockets are taken /],
  ] as const
) {
  programTest(`a reload waits for a free connection and says so (${global})`, async () => {
    await using workspace = new StatsWorkspace();
    await workspace.replace(workspace.text("one", global));
    const wrapper = await workspace.serve();
    const most = await workspace.hold(1_000);
    assert.equal(most, global === "" ? 50 : 70);
    await workspace.replace(workspace.text("two", global));
    const [line] = await wrapper.says(/error .*generation 2 rejected.*/);
    assert.match(line, limit);
    assert.match(line, /generation 1 .*sockets.*; generation 1 keeps serving; retry in 1s/);
    assert.equal(await workspace.get(), "one");
    workspace.letGo();
    await workspace.serves("two", wrapper);
    await waitFor("one process", () => workspace.haproxyPids().length === 1);
  });
}

longTest("a map that changes while all connections are taken waits for one", async () => {
  await using workspace = new StatsWorkspace();
  const map = workspace.at("page.map");
  await Deno.writeTextFile(map, "/ one\n");
  const text = workspace.text("one", "")
    .replace('string "one"', `lf-string "%[path,map(${map})]"`)
    .replace("mode http", "mode http\n    load-server-state-from-file global");
  await workspace.replace(text);
  const wrapper = await workspace.serve();
  assert.equal(await workspace.get(), "one");
  await workspace.hold(1_000);
  await workspace.replace("/ two\n", map);
  await wrapper.says(/cannot hot-apply to generation 1, .*: HAProxy does not answer/);
  await wrapper.says(/cannot keep the state of generation 1's servers: no answer/);
  await wrapper.says(/generation 2 rejected: generation 1 did not hand its sockets over/);
  assert.equal(await workspace.get(), "one");
  workspace.letGo();
  await workspace.serves("two", wrapper);
});
