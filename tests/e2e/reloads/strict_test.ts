/** Configurations in which any warning is an error: at a start, at a reload and with `--check`. */
import assert from "node:assert/strict";
import { ask } from "../../../lib/haproxy/runtime/client.ts";
import { namesIn } from "../../support/machine/files.ts";
import { childrenOf } from "../../support/machine/processes.ts";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper, WrapperOptions } from "../../support/wrapper/wrapper.ts";

const STRICT: Readonly<Record<string, { readonly global: string; readonly args: string[] }>> = {
  "zero-warning": { global: "zero-warning", args: [] },
  "-dW": { global: "", args: ["-dW"] },
};

class StrictWorkspace extends Workspace {
  readonly #cli = this.at("cli.sock");

  text(answer: string, global: string): string {
    return `global
    stats socket ${this.#cli} level admin
    ${global}
${this.page(answer, { extra: "    load-server-state-from-file global" })}
backend b
    server s1 127.0.0.1:1
    server s2 127.0.0.1:1
    server s3 127.0.0.1:1
`;
  }

  async set(command: string): Promise<void> {
    assert.equal((await ask(this.#cli, command, new AbortController().signal))?.trim(), "");
  }
}

for (const [what, { global, args }] of Object.entries(STRICT)) {
  programTest(`with ${what} servers that are down block no reload`, async () => {
    await using workspace = new StrictWorkspace();
    await workspace.replace(workspace.text("one", global));
    const wrapper = await workspace.serve({ flags: [...args] });
    await workspace.set("set server b/s1 state maint");
    await workspace.set("set server b/s2 state drain");
    await workspace.set("set server b/s3 weight 50%");
    for (const answer of ["two", "three"]) {
      await workspace.replace(workspace.text(answer, global));
      await workspace.serves(answer, wrapper);
    }
    await wrapper.stopsAt(3);
    const told = wrapper.lines.filter((line) => /state of .*servers/.test(line));
    assert.equal(told.length, 1, wrapper.output);
    assert.match(told[0]!, new RegExp(`warning .*no reload keeps .*\\("${what}" `));
  });

  commonTest(`with ${what} --check judges as a start does`, async () => {
    await using workspace = new StrictWorkspace();
    await workspace.replace(workspace.text("one", global));
    const options = { args: ["--check", "-f", workspace.configuration, ...args] };
    const { code, output } = await endOf(workspace, options);
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /WARNING/);
    assert.deepEqual(namesIn(workspace.runtimeDirectory), []);
  });
}

async function endOf(workspace: Workspace, options: WrapperOptions) {
  const wrapper: Wrapper = workspace.start(options);
  return { code: await wrapper.exitCode, output: wrapper.output };
}

commonTest("an error in a strict configuration is not retried", async () => {
  await using workspace = new StrictWorkspace();
  await workspace.replace(workspace.text("one", "zero-warning"));
  const wrapper = await workspace.serve();
  await workspace.replace(`${workspace.text("two", "zero-warning")}    no such keyword\n`);
  await wrapper.says(/generation 2 rejected: .*retry when a file changes/);
});

commonTest("a strict configuration that fails for another reason is retried", async () => {
  await using workspace = new StrictWorkspace();
  await workspace.replace(workspace.text("one", "zero-warning"));
  const wrapper = await workspace.serve();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await workspace.replace(
    workspace.text("two", "zero-warning").replace(
      "backend b",
      `frontend taken\n    bind 127.0.0.1:${taken.addr.port}\nbackend b`,
    ),
  );
  await wrapper.says(/generation 2 rejected: .*retry in/);
});

commonTest("--check without a listener exits with HAProxy's own 2", async () => {
  await using workspace = new Workspace();
  await workspace.replace("global\n    stats maxconn 200\ndefaults\n    mode http\n");
  const { code, output } = await endOf(workspace, { flags: ["--check"] });
  assert.equal(code, 2, output);
});

commonTest("--check fails if no private file can be written", async () => {
  await using workspace = new Workspace();
  const { code, output } = await endOf(workspace, {
    args: ["--check", "-f", workspace.configuration, "--runtime-dir", workspace.at("none")],
  });
  assert.notEqual(code, 0);
  assert.match(output, /none": No such file or directory/);
});

commonTest("a check that is stopped leaves nothing", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.checks_for_ever);
  const wrapper = workspace.start({ flags: ["--check"] });
  const privateFolders = () => namesIn(workspace.runtimeDirectory).length;
  const check = await waitFor("the check", () => childrenOf(wrapper.pid)[0]);
  assert.equal(privateFolders(), 1);
  wrapper.signal("SIGTERM");
  await wrapper.endsWith(143);
  assert.equal(privateFolders(), 0);
  assert.ok(!namesIn("/proc").includes(check));
});
