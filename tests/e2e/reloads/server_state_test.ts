/** What was set on a server at runtime survives a reload, if the configuration asks for it. */
import assert from "node:assert/strict";
import { ask } from "../../../lib/haproxy/runtime/client.ts";
import { commonTest } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { freeze } from "../../support/machine/processes.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper, WrapperOptions } from "../../support/wrapper/wrapper.ts";
import { namesIn } from "../../support/machine/files.ts";

const SERVERS: readonly string[] = [
  "s1 127.0.0.1:1",
  "s2 127.0.0.1:1",
  "s3 127.0.0.1:1 weight 100",
  "s4 127.0.0.1:1",
  "s5 127.0.0.1:1 check port PORT inter 1h",
  "s6 127.0.0.1:1 disabled",
  "s7 127.0.0.1:1",
];

/** All that an operator can set, each on its own server; nothing on the last one. */
const COMMANDS: readonly string[] = [
  "set server b/s1 state maint",
  "set server b/s2 state drain",
  "set server b/s3 weight 10%",
  "disable server b/s4",
  "disable health b/s5",
  "enable server b/s6",
];

const UNTOUCHED = "up, weight 1, not checked";
const SET: Readonly<Record<string, string>> = {
  s1: "down, weight 1, not checked",
  s2: "drains, weight 1, not checked",
  s3: "up, weight 10, not checked",
  s4: "down, weight 1, not checked",
  s5: UNTOUCHED,
  s6: UNTOUCHED,
  s7: UNTOUCHED,
};

/** Complaints of ours, or of HAProxy about a missing or empty file; HAProxy also warns of what it applies. */
const COMPLAINT = /cannot keep|not set|state file/i;

interface Parts {
  readonly text?: string;
  readonly servers?: readonly string[];
  readonly global?: string;
  readonly load?: string;
}

class WithServers extends Workspace {
  /** Both processes answer there until the old one stops listening. */
  readonly #cli = this.at("cli.sock");
  #replaced = 0;

  constructor(parts: Parts = {}) {
    super();
    Deno.writeTextFileSync(this.configuration, this.withServers(parts));
  }

  withServers({ text = "one", servers = SERVERS, global = "", load = "global" }: Parts): string {
    return `global
    stats socket ${this.#cli} level admin
    ${global}
${this.page(text, { extra: `    load-server-state-from-file ${load}` })}
backend b
${servers.map((server) => `    server ${server.replace("PORT", `${this.port}`)}\n`).join("")}`;
  }

  /** Sends commands to the newest generation. */
  async set(commands = COMMANDS): Promise<void> {
    const never = new AbortController().signal;
    for (const command of commands) {
      assert.equal((await ask(this.#cli, command, never))?.trim(), "", command);
    }
  }

  async states(backend = "b"): Promise<Record<string, string>> {
    const answer = await ask(
      this.#cli,
      `show servers state ${backend}`,
      new AbortController().signal,
    );
    const [, names = "", ...lines] = answer!.trim().split("\n");
    const columns = names.replace("# ", "").split(" ");
    return Object.fromEntries(lines.map((line) => {
      const field = (name: string) => line.split(" ")[columns.indexOf(name)];
      const isDraining = (Number(field("srv_admin_state")) & 8) !== 0;
      const isUp = field("srv_op_state") !== "0";
      const isChecked = (Number(field("srv_check_state")) & 4) !== 0;
      return [
        field("srv_name"),
        `${isDraining ? "drains" : isUp ? "up" : "down"}, weight ${field("srv_uweight")}, ` +
        `${isChecked ? "" : "not "}checked`,
      ];
    }));
  }

  get privateFiles(): string[] {
    return namesIn(this.privateFolder);
  }

  /** Serves, with everything set that can be. */
  async serveSet(options: WrapperOptions = {}): Promise<Wrapper> {
    const wrapper = await this.serve(options);
    await this.set();
    assert.deepEqual(await this.states(), SET);
    return wrapper;
  }

  async reload(parts: Parts, wrapper: Wrapper): Promise<void> {
    await this.replace(this.withServers(parts));
    await this.serves(parts.text!, wrapper);
    await this.haveStopped(++this.#replaced, wrapper);
  }
}

commonTest("what was set at runtime survives changes and signals", async () => {
  await using workspace = new WithServers();
  const wrapper = await workspace.serveSet();
  for (const text of ["two", "three"]) {
    await workspace.reload({ text }, wrapper);
    assert.deepEqual(await workspace.states(), SET, wrapper.output);
  }
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 4 serves/);
  await workspace.haveStopped(3, wrapper);
  assert.deepEqual(await workspace.states(), SET, wrapper.output);
  await workspace.set(["enable health b/s5", "set server b/s1 state ready"]);
  wrapper.signal("SIGUSR2");
  await wrapper.says(/generation 5 serves/);
  await workspace.haveStopped(4, wrapper);
  const { s1, s5 } = await workspace.states();
  assert.deepEqual([s1, s5], [UNTOUCHED, "up, weight 1, checked"]);
  assert.doesNotMatch(wrapper.output, COMPLAINT);
});

for (const option of ["--no-watch-loaded", "--no-hot-apply", "--no-reload"]) {
  commonTest(`with ${option} it survives a signal`, async () => {
    await using workspace = new WithServers();
    const wrapper = await workspace.serveSet({ flags: [option] });
    wrapper.signal("SIGHUP");
    await wrapper.says(/generation 2 serves/);
    await workspace.haveStopped(1, wrapper);
    assert.deepEqual(await workspace.states(), SET, wrapper.output);
  });
}

commonTest("what is set while a process is on standby survives", async () => {
  await using workspace = new WithServers();
  const wrapper = await workspace.serve({ flags: ["--settle-time", "1s", "--poll-interval", "0"] });
  await workspace.replace(workspace.withServers({ text: "two" }));
  await waitFor("a process on standby", () => workspace.haproxyPids().length === 2);
  await workspace.set();
  assert.equal(await workspace.get(), "one", wrapper.output);
  await workspace.serves("two", wrapper);
  await workspace.haveStopped(1, wrapper);
  assert.deepEqual(await workspace.states(), SET, wrapper.output);
});

commonTest("servers added, removed or renamed affect no others", async () => {
  await using workspace = new WithServers();
  const wrapper = await workspace.serveSet();
  const [s1, ...others] = SERVERS;
  const servers = [
    ...["new 127.0.0.1:1", ...others.slice(1).reverse()],
    `renamed ${s1!.split(" ")[1]}`,
  ];
  await workspace.reload({ text: "two", servers }, wrapper);
  const { s1: _1, s2: _2, ...left } = SET;
  assert.deepEqual(await workspace.states(), { ...left, new: UNTOUCHED, renamed: UNTOUCHED });
  assert.doesNotMatch(wrapper.output, COMPLAINT);
});

commonTest("what the configuration changes about a server applies", async () => {
  await using workspace = new WithServers();
  const wrapper = await workspace.serveSet();
  const servers = SERVERS.map((server) => server.replace("weight 100", "weight 50"));
  await workspace.reload({ text: "two", servers }, wrapper);
  const { s3, s4 } = await workspace.states();
  assert.deepEqual([s3, s4], ["up, weight 50, not checked", SET.s4]);
});

commonTest("it starts and stops with load-server-state-from-file", async () => {
  await using workspace = new WithServers({ load: "none" });
  const wrapper = await workspace.serveSet();
  await workspace.reload({ text: "two" }, wrapper);
  assert.deepEqual(await workspace.states(), SET, wrapper.output);
  await workspace.reload({ text: "three", load: "none" }, wrapper);
  assert.equal((await workspace.states()).s1, UNTOUCHED);
});

commonTest("a user's own server-state-file is left alone", async () => {
  await using workspace = new WithServers();
  const own = workspace.at("own.state");
  await Deno.writeTextFile(own, "1\n");
  const global = `server-state-file ${own}`;
  await workspace.replace(workspace.withServers({ global }));
  const wrapper = await workspace.serveSet();
  await workspace.reload({ text: "two", global }, wrapper);
  assert.equal((await workspace.states()).s1, UNTOUCHED);
  assert.equal(await Deno.readTextFile(own), "1\n");
  assert.ok(!workspace.privateFiles.join().includes("state"));
});

commonTest("a rejected reload leaves nothing, and the next keeps what was set", async () => {
  await using workspace = new WithServers();
  const wrapper = await workspace.serveSet();
  const before = workspace.privateFiles;
  await workspace.replace(`${workspace.withServers({ text: "two" })}nonsense\n`);
  await wrapper.says(/generation 2 rejected/);
  await waitFor("what was there before", () => `${workspace.privateFiles}` === `${before}`, {
    explain: () => `${workspace.privateFiles}`,
  });
  await workspace.reload({ text: "three" }, wrapper);
  assert.deepEqual(await workspace.states(), SET, wrapper.output);
  await wrapper.says(/generation 1 drained/);
  const files = ["3-first.cfg", "3-last.cfg", "3.sock", "probe", "service.json"];
  await waitFor(
    "the files of generation 3 alone",
    () => `${workspace.privateFiles}` === `${files}`,
    { explain: () => `${workspace.privateFiles}` },
  );
  await wrapper.endsBy("SIGTERM", 143);
});

commonTest("a process that does not report its state in time is replaced anyway", async () => {
  await using workspace = new WithServers();
  const wrapper = await workspace.serveSet();
  const [pid] = workspace.haproxyPids();
  await freeze(pid!);
  wrapper.signal("SIGHUP");
  await wrapper.says(
    /warning .*cannot keep the state of generation 1's servers: no answer within 3s; generation 2/,
  );
  Deno.kill(pid!, "SIGCONT");
  await wrapper.says(/generation 2 serves/);
  await workspace.haveStopped(1, wrapper);
  assert.equal((await workspace.states()).s1, UNTOUCHED);
  await workspace.serves("one", wrapper);
});

/** Their state takes more than a megabyte. */
const MANY = 20_000;

commonTest("the state of 20,000 servers is kept", async () => {
  await using workspace = new WithServers();
  const many = (text: string) =>
    workspace.withServers({ text }) +
    Array.from({ length: MANY / 100 }, (_, backend) =>
      `backend b${backend}\n` +
      Array.from({ length: 100 }, (_, server) => `    server s${server} 127.0.0.1:1\n`).join(""))
      .join("");
  await workspace.replace(many("one"));
  const wrapper = await workspace.serveSet();
  await workspace.set([`set server b${MANY / 100 - 1}/s99 state maint`]);
  await workspace.replace(many("two"));
  await workspace.serves("two", wrapper);
  await workspace.haveStopped(1, wrapper);
  assert.deepEqual(await workspace.states(), SET, wrapper.output);
  const { s99 } = await workspace.states(`b${MANY / 100 - 1}`);
  assert.equal(s99, "down, weight 1, not checked");
  assert.doesNotMatch(wrapper.output, COMPLAINT);
});
