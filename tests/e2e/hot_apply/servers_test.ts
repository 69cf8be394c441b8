/** Servers that change, come and go in the configuration, without a reload where that is possible. */
import assert from "node:assert/strict";
import { connectPlain } from "../../support/clients/connection.ts";
import { Http1Connection } from "../../support/clients/http1.ts";
import { Asking } from "../../support/wrapper/asking.ts";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { freeze } from "../../support/machine/processes.ts";
import { Served } from "../../support/wrapper/served.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { IS_ADDRESS_HOT, IS_MAXCONN_HOT, IS_NEW_HOT } from "./trusted.ts";

async function serve(workspace: Served, lines: readonly string[], flags: readonly string[] = []) {
  await workspace.writeServers(lines);
  return await workspace.serve({ flags: ["--poll-interval", "0", ...flags] });
}

programTest("weight, maxconn and being disabled change without a reload", async () => {
  await using workspace = new Served();
  const { a, b } = workspace.addresses;
  const wrapper = await serve(workspace, [`server s1 ${a} weight 10`, `server s2 ${b}`]);
  assert.equal(await workspace.answers(40), "a,b");
  await workspace.writeServers([`server s1 ${a} weight 20 maxconn 50`, `server s2 ${b} maxconn 9`]);
  await wrapper.says(
    new RegExp(
      `info .* backend "app": weight of "s1" 10 to 20, maxconn of "s1" 0 to 50, ` +
        `maxconn of "s2" 0 to 9, in generation 1 without a reload in \\d+ ms`,
    ),
  );
  assert.equal(await workspace.answers(40), "a,b");
  await workspace.writeServers([
    `server s1 ${a} weight 20 maxconn 50 disabled`,
    `server s2 ${b} maxconn 9`,
  ]);
  await wrapper.says(/"s1" disabled, in generation 1/);
  assert.equal(await workspace.answers(), "b");
  await wrapper.stopsAt(1);
});

for (const reuse of ["safe", "aggressive", "always"]) {
  programTest(
    `no request goes to an old address, over connections kept by "http-reuse ${reuse}"`,
    async () => {
      await using workspace = new Served();
      const { a, b } = workspace.addresses;
      const write = (address: string) =>
        workspace.writeServers([`server s1 ${address}`], { defaults: `http-reuse ${reuse}` });
      await write(a!);
      const wrapper = await workspace.serve({ flags: ["--poll-interval", "0"] });
      // In use while the address changes, and idle afterwards.
      const slow = [1, 2, 3].map(() => fetch(`http://127.0.0.1:${workspace.port}/slow`));
      await wrapper.until(
        "the requests to be under way",
        async () => /app,s1,0,0,3,/.test(await workspace.command("show stat app 4 -1")),
      );
      await write(b!);
      await wrapper.says(
        IS_ADDRESS_HOT
          ? `backend "app": address of "s1" ${a} to ${b}, in generation 1 without a reload in`
          : /reloading: .*server "s1" has another address, which is not known to be safe/,
      );
      if (!IS_ADDRESS_HOT) await workspace.haveStopped(1, wrapper);
      workspace.release();
      for (const answer of slow) assert.equal(await (await answer).text(), "a");
      const kept = new Http1Connection(await connectPlain(workspace));
      for (let asked = 0; asked < 6; asked++) assert.equal((await kept.request()).text, "b");
      kept.close();
      assert.equal(await workspace.answers(), "b");
      await wrapper.stopsAt(IS_ADDRESS_HOT ? 1 : 2);
    },
  );
}

programTest("the maxconn of a frontend changes, without a reload where that is safe", async () => {
  await using workspace = new Served();
  const lines = [`server s1 ${workspace.addresses.a}`];
  const write = (extra: string) => workspace.writeServers(lines, { extra });
  await write("maxconn 100");
  const wrapper = await workspace.serve({ flags: ["--poll-interval", "0"] });
  await write("maxconn 60");
  const generation = IS_MAXCONN_HOT ? 1 : 2;
  await wrapper.says(
    IS_MAXCONN_HOT
      ? /frontend "page": maxconn 100 to 60, in generation 1 without a/
      : /reloading: .*maxconn of frontend "page" changed, which is not known to be safe/,
  );
  if (!IS_MAXCONN_HOT) await workspace.haveStopped(1, wrapper);
  assert.match(await workspace.command("show stat page 1 -1"), /page,FRONTEND,,,\d+,\d+,60,/);
  assert.equal(await workspace.answers(), "a");
  // The same as a reload gives.
  wrapper.signal("SIGHUP");
  await wrapper.says(new RegExp(`generation ${generation + 1} serves`));
  await workspace.haveStopped(generation, wrapper);
  assert.match(await workspace.command("show stat page 1 -1"), /page,FRONTEND,,,\d+,\d+,60,/);
  await wrapper.stopsAt(generation + 1);
});

commonTest(
  "switches from one server to another, by weights and by addresses, lose no request",
  async () => {
    await using workspace = new Served();
    const { a, b } = workspace.addresses;
    const c = IS_ADDRESS_HOT ? workspace.addresses.c : a;
    const nowhere = IS_ADDRESS_HOT ? "127.0.0.1:1" : null;
    const lines = (turn: number) => [
      `server s1 ${turn % 3 === 0 ? c : a} weight ${turn % 2 === 0 ? 10 : 0}`,
      `server s2 ${b} weight ${turn % 2 === 0 ? 0 : 10}`,
      // Slots of a template, which lead nowhere while they are free.
      turn % 2 === 0 ? `server s3 ${a}` : `server s3 ${nowhere ?? a} disabled`,
      turn % 4 < 2 ? `server s4 ${b} weight 5` : `server s4 ${nowhere ?? b} weight 0`,
    ];
    const wrapper = await serve(workspace, lines(0));
    const clients = new Asking(workspace);
    for (let turn = 1; turn <= 25; turn++) {
      const { length } = wrapper.output;
      await workspace.writeServers(lines(turn));
      await wrapper.until(
        "the change",
        () => wrapper.output.slice(length).includes("without a reload"),
      );
    }
    assert.deepEqual(await clients.stop(), IS_ADDRESS_HOT ? ["a", "b", "c"] : ["a", "b"]);
    await wrapper.stopsAt(1);
  },
);

programTest("a file that is cut off is refused, whatever is left of it", async () => {
  await using workspace = new Served();
  const text = workspace.withServers([`server s1 ${workspace.addresses.a} weight 10`]);
  await workspace.replace(text);
  const wrapper = await workspace.serve({ flags: ["--poll-interval", "0"] });
  await workspace.replace(text.slice(0, text.indexOf("weight 10") + "weight 1".length));
  await wrapper.says(/generation 2 rejected/);
  await wrapper.says(/Missing LF on last line/);
  assert.equal((await workspace.rows()).s1?.srv_uweight, "10");
  await wrapper.stopsAt(2);
});

programTest(
  "a server that is removed gets no more requests, and what it has is finished",
  async () => {
    await using workspace = new Served();
    const { a, b } = workspace.addresses;
    const wrapper = await serve(workspace, [`server s1 ${a}`, `server s2 ${b} backup`]);
    const slow = fetch(`http://127.0.0.1:${workspace.port}/slow`).then((answer) => answer.text());
    await wrapper.until(
      "the request to be under way",
      async () => /app,s1,0,0,1,/.test(await workspace.command("show stat app 4 -1")),
    );
    await workspace.writeServers([`server s2 ${b} backup`]);
    await wrapper.says(/backend "app": server "s1" removed, in generation 1 without/);
    assert.equal(await workspace.answers(), "b");
    assert.equal((await workspace.rows()).s1?.srv_admin_state, "1");
    workspace.release();
    assert.equal(await slow, "a");
    if (IS_NEW_HOT) {
      await wrapper.until(
        "the server to be deleted",
        async () => !("s1" in await workspace.rows()),
      );
    }
    await wrapper.stopsAt(1);
  },
);

programTest("a new server is added where the release can be trusted, or by a reload", async () => {
  await using workspace = new Served();
  const { a, b } = workspace.addresses;
  const wrapper = await serve(workspace, [`server s1 ${a}`]);
  await workspace.writeServers([`server s1 ${a}`, `server s2 ${b} check`]);
  if (IS_NEW_HOT) {
    await wrapper.says(
      new RegExp(`backend "app": server "s2" added \\(${b}\\), in generation 1 without a reload`),
    );
  } else {
    await wrapper.says(/cannot hot-apply .* server "s2" is new/);
    await workspace.haveStopped(1, wrapper);
  }
  await wrapper.until("both to answer", async () => await workspace.answers() === "a,b");
  await wrapper.stopsAt(IS_NEW_HOT ? 1 : 2);
});

programTest("no process is started for it, not even one on standby or a check", async () => {
  await using workspace = new Served();
  const started = workspace.write("started", "");
  const noting = `#!/bin/sh\necho "$*" >> ${started}\n`;
  await workspace.standIn(STAND_INS.is_haproxy.replace("#!/bin/sh\n", noting));
  const { a } = workspace.addresses;
  const wrapper = await serve(workspace, [`server s1 ${a}`]);
  const before = await Deno.readTextFile(started);
  assert.notEqual(before, "");
  await workspace.writeServers([`server s1 ${a} weight 9`]);
  await wrapper.says(/weight of "s1" 1 to 9, in generation 1/);
  assert.equal(await Deno.readTextFile(started), before, wrapper.output);
});

programTest(
  "one after the other, with the configuration of the last as the start of the next",
  async () => {
    await using workspace = new Served();
    const { a } = workspace.addresses;
    const wrapper = await serve(workspace, [`server s1 ${a}`]);
    for (let weight = 2; weight <= 10; weight++) {
      await workspace.writeServers([`server s1 ${a} weight ${weight}`]);
      await wrapper.says(new RegExp(`weight of "s1" ${weight - 1} to ${weight}, `));
    }
    const text = workspace.withServers([`server s1 ${a} weight 10`]).replace("\n", "\n# again\n");
    await workspace.replace(text);
    await wrapper.says(/the configuration means the same as before, in generation 1/);
    await wrapper.stopsAt(1);
  },
);

for (
  const [what, lines, extra] of [
    ["anything else besides", ["server s1 ADDRESS weight 9"], "http-request deny if { path /no }"],
    ["another word of a server", ["server s1 ADDRESS weight 9 maxqueue 5"], ""],
    ["a weight where the algorithm does not take it", [
      "balance source",
      "server s1 ADDRESS weight 9",
    ], ""],
  ] as const
) {
  commonTest(`${what} takes a reload`, async () => {
    await using workspace = new Served();
    const { a } = workspace.addresses;
    const write = (lines: readonly string[], extra = "") =>
      workspace.writeServers(lines.map((line) => line.replace("ADDRESS", a)), { extra });
    const first = lines.map((line) => line.replace(" weight 9", "").replace(" maxqueue 5", ""));
    await write(first);
    const wrapper = await workspace.serve();
    await write(lines, extra);
    await wrapper.says(/generation 2 serves/);
    await workspace.haveStopped(1, wrapper);
    assert.equal((await workspace.rows()).s1?.srv_uweight, "9");
    assert.equal(await workspace.answers(), "a");
    await wrapper.stopsAt(2);
  });
}

commonTest("with --no-hot-apply every change takes a reload", async () => {
  await using workspace = new Served();
  const { a } = workspace.addresses;
  const wrapper = await serve(workspace, [`server s1 ${a}`], ["--no-hot-apply"]);
  await workspace.writeServers([`server s1 ${a} weight 9`]);
  await wrapper.says(/generation 2 serves/);
  assert.doesNotMatch(wrapper.output, /hot-apply|without a reload/);
});

commonTest(
  "what was set by hand stays, unless the file says something else of just that",
  async () => {
    await using workspace = new Served();
    const { a, b } = workspace.addresses;
    const wrapper = await serve(workspace, [`server s1 ${a} weight 10`, `server s2 ${b}`]);
    await workspace.command("set server app/s1 weight 3");
    await workspace.command("set server app/s2 state drain");
    await workspace.writeServers([`server s1 ${a} weight 20`, `server s2 ${b} maxconn 9`]);
    await wrapper.says(
      /weight of "s1" 10 to 20, maxconn of "s2" 0 to 9; instead of what was set by hand: weight 3 of "app\/s1", in/,
    );
    const { s1, s2 } = await workspace.rows();
    assert.deepEqual([s1?.srv_uweight, s2?.srv_admin_state], ["20", "8"]);
    await wrapper.stopsAt(1);
  },
);

/** Many servers, so that it takes a while to change them all, and the wrapper when it has begun to. */
async function beginMany(workspace: Served) {
  const lines = (weight: number) =>
    Array.from(
      { length: 400 },
      (_, at) => `server s${at} ${workspace.addresses.a} weight ${weight}`,
    );
  const wrapper = await serve(workspace, lines(10));
  await workspace.writeServers(lines(20));
  await wrapper.until(
    "the first to be changed",
    async () => (await workspace.rows()).s0?.srv_uweight === "20",
  );
  return wrapper;
}

commonTest("a process that dies in the middle ends all with 137", async () => {
  await using workspace = new Served();
  const wrapper = await beginMany(workspace);
  Deno.kill(workspace.haproxyPids()[0]!, "SIGKILL");
  await wrapper.endsWith(137);
});

commonTest("SIGTERM in the middle ends all with 143", async () => {
  await using workspace = new Served();
  const wrapper = await beginMany(workspace);
  await wrapper.endsBy("SIGTERM", 143);
  assert.doesNotMatch(wrapper.output, /a bug/);
});

commonTest(
  "a process that is frozen in the middle is not taken to have what the files say",
  async () => {
    await using workspace = new Served();
    const wrapper = await beginMany(workspace);
    const [pid = 0] = workspace.haproxyPids();
    await freeze(pid);
    await wrapper.says(/cannot hot-apply .*HAProxy does not answer|without a reload/);
    Deno.kill(pid, "SIGCONT");
    await wrapper.until(
      "all to have the weight",
      async () =>
        Object.values(await workspace.rows()).every(({ srv_uweight }) => srv_uweight === "20"),
    );
    assert.doesNotMatch(wrapper.output, /a bug/);
  },
);
