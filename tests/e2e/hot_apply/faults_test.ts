/** Disturbed hot applies. */
import assert from "node:assert/strict";
import { commonTest } from "../../support/wrapper/program.ts";
import { isLastReload, Secured } from "../../support/wrapper/secured.ts";
import { freeze } from "../../support/machine/processes.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const HUGE = 99_000;
const FIRST = "/first\n";

/** A workspace with a list that takes long to apply. A longer one would require a reload. */
class Listing extends Secured {
  readonly list = this.write("site.lst", FIRST);

  listPage(text = "one"): string {
    const answer = "http-request return status 200 content-type text/plain string listed";
    const rule = `    ${answer} if { path -f ${this.list} }\n`;
    return this.page(text).replace("    http-request", `${rule}    http-request`);
  }

  async serveListing(): Promise<Wrapper> {
    return await this.serveSecure(this.listPage());
  }

  huge(name: string): string {
    return Array.from({ length: HUGE }, (_, number) => `/${name}${number}\n`).join("");
  }

  /** Writes that list, and returns while it is being applied. */
  async beginUpdate(name: string, wrapper: Wrapper): Promise<void> {
    await this.replace(this.huge(name), this.list);
    await wrapper.until("the update to begin", async () => {
      const [, count] = /site\.lst'.* entry_cnt=(\d+)/.exec(await this.askPrivately("show acl")) ??
        [];
      return Number(count) > 1_000;
    });
    assert.doesNotMatch(wrapper.output, /updated in generation/);
  }

  async lists(path: string, wrapper: Wrapper): Promise<void> {
    await wrapper.until(`${path} to be listed`, async () => await this.getPath(path) === "listed");
  }
}

commonTest("if the process dies during an update, everything ends with 137", async () => {
  await using workspace = new Listing();
  const wrapper = await workspace.serveListing();
  await workspace.beginUpdate("key", wrapper);
  Deno.kill(workspace.haproxyPids()[0]!, "SIGKILL");
  await wrapper.endsWith(137);
  assert.match(wrapper.output, /error .*generation 1 .* while serving/);
});

for (const [signal, exitCode] of [["SIGTERM", 143], ["SIGUSR1", 0]] as const) {
  commonTest(`${signal} during an update ends everything with ${exitCode}`, async () => {
    await using workspace = new Listing();
    const wrapper = await workspace.serveListing();
    await workspace.beginUpdate("key", wrapper);
    await wrapper.endsBy(signal, exitCode);
    assert.doesNotMatch(wrapper.output, /updated in generation|cannot change|a bug/);
  });
}

commonTest("SIGTERM while the process hangs during an update ends everything", async () => {
  await using workspace = new Listing();
  const wrapper = await workspace.serveListing();
  await workspace.beginUpdate("key", wrapper);
  await freeze(workspace.haproxyPids()[0]!);
  wrapper.signal("SIGTERM");
  await wrapper.says(/SIGTERM received/);
  await wrapper.endsBy("SIGTERM", 143);
});

commonTest("if the process hangs during an update, a reload follows", async () => {
  await using workspace = new Listing();
  const wrapper = await workspace.serveListing();
  await workspace.beginUpdate("key", wrapper);
  const [pid] = workspace.haproxyPids();
  await freeze(pid!);
  await wrapper.says(/cannot hot-apply to generation 1, reloading: .*does not answer/);
  Deno.kill(pid!, "SIGCONT");
  await wrapper.says(/generation 2 serves/);
  await workspace.lists(`/key${HUGE - 1}`, wrapper);
  await workspace.lists("/key0", wrapper);
  await wrapper.until("the old list to be gone", async () => {
    return await workspace.getPath("/first") === "one";
  });
});

commonTest("SIGHUP during an update reloads when that is done", async () => {
  await using workspace = new Listing();
  const wrapper = await workspace.serveListing();
  await workspace.beginUpdate("key", wrapper);
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 2 serves.*reloaded by SIGHUP/);
  await workspace.lists(`/key${HUGE - 1}`, wrapper);
  await isLastReload(wrapper, { generation: 2, marker: workspace.listPage("marker") });
});

commonTest("a list that changes again during an update is served in its last form", async () => {
  await using workspace = new Listing();
  const wrapper = await workspace.serveListing();
  await workspace.beginUpdate("old", wrapper);
  await workspace.replace("/new\n", workspace.list);
  await workspace.lists("/new", wrapper);
  assert.equal(await workspace.getPath("/old0"), "one");
  assert.equal(await workspace.getPath("/first"), "one");
});

commonTest("a configuration that changes during an update is served", async () => {
  await using workspace = new Listing();
  const wrapper = await workspace.serveListing();
  await workspace.beginUpdate("key", wrapper);
  await workspace.replace(workspace.listPage("two"));
  await workspace.serves("two", wrapper);
  await workspace.lists("/key0", wrapper);
  await isLastReload(wrapper, { generation: 2, marker: workspace.listPage("marker") });
});
