/** What the program does with its arguments and environment before it runs, or instead. */
import assert from "node:assert/strict";
import denoJson from "../../../deno.json" with { type: "json" };
import { namesIn } from "../../support/machine/files.ts";
import { FORM, programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { childrenOf } from "../../support/machine/processes.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

programTest("--help names every setting and exits with 0", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ args: ["--help"] });
  assert.equal(await wrapper.exitCode, 0);
  for (
    const word of ["--socket PATH", "HAPROXY_SOCKET", "--max-draining N", "default: 50", "--check"]
  ) {
    assert.ok(wrapper.output.includes(word), wrapper.output);
  }
});

programTest("--version prints the versions of the wrapper, Deno and HAProxy", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ args: ["--version"] });
  assert.equal(await wrapper.exitCode, 0);
  const [own, deno, haproxy] = wrapper.output.split("\n");
  assert.equal(own, `haproxy-reload-wrapper ${denoJson.version}`);
  if (FORM === "source") assert.equal(deno, `Deno ${Deno.version.deno}`);
  else assert.match(deno!, /^Deno \d+\.\d+\.\d+$/);
  assert.match(haproxy!, /^HA-?Proxy version \d/);
});

programTest("--version says so if there is no HAProxy", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ args: ["--version"], env: { PATH: "/bin/nowhere" } });
  assert.equal(await wrapper.exitCode, 0);
  assert.match(wrapper.output, /\nhaproxy: not found/);
});

programTest("--check exits with the status of haproxy -c and starts nothing", async () => {
  await using workspace = new Workspace();
  const good = workspace.start({ flags: ["--check"] });
  assert.equal(await good.exitCode, 0, good.output);
  await workspace.replace("nonsense\n");
  const bad = workspace.start({ flags: ["--check"] });
  assert.equal(await bad.exitCode, 1, bad.output);
  assert.match(bad.output, /unknown keyword 'nonsense'/);
  assert.deepEqual(namesIn(workspace.runtimeDirectory), []);
});

programTest("--check refuses master-worker as a start does", async () => {
  await using workspace = new Workspace();
  await workspace.replace(`global\n    master-worker\n${workspace.page("one")}`);
  const wrapper = workspace.start({ flags: ["--check"] });
  assert.equal(await wrapper.exitCode, 1, wrapper.output);
  assert.match(wrapper.output, /haproxy.cfg" line 2 says "master-worker": remove it/);
  await workspace.replace(`global\n.if 0\n    master-worker\n.endif\n${workspace.page("one")}`);
  const never = workspace.start({ flags: ["--check"] });
  assert.equal(await never.exitCode, 0, never.output);
});

programTest("--check exits with the status of the signal that ends it", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.checks_for_ever);
  const wrapper = workspace.start({ flags: ["--check"] });
  await waitFor("the check", () => childrenOf(wrapper.pid).length > 0);
  await wrapper.endsBy("SIGTERM", 143);
});

programTest("all problems are reported together, with hints, and exit with 64", async () => {
  await using workspace = new Workspace();
  const missing = workspace.at("missing.cfg");
  const envFile = workspace.at("missing.env");
  const wrapper = workspace.start({
    args: [
      ...["-W", "-sf", "1", "2", "--wach", "-f", missing, "-f", workspace.configuration],
      ...["--settle-time", "soon", "--env-file", envFile, "--check=yes", "stray"],
    ],
    env: { HRW_MAX_DRAINING: "many", HRW_LOG_FORMAT: "xml", DISABLE_RELOAD: "perhaps" },
  });
  assert.equal(await wrapper.exitCode, 64);
  const expected = [
    /unknown flag "--wach"; did you mean "--watch"/,
    /"-W" is refused: the wrapper takes the place of HAProxy's master/,
    /"-sf" is refused/,
    /--settle-time: found "soon", wanted a duration/,
    /HRW_MAX_DRAINING: found "many", wanted a whole number/,
    /HRW_LOG_FORMAT: found "xml", wanted "text" or "json"/,
    /DISABLE_RELOAD: found "perhaps", wanted "true" or "false"/,
    /"--check=yes": "--check" takes no value/,
    /unexpected word "stray"/,
    new RegExp(`cannot read "${missing}": No such file or directory`),
    new RegExp(`cannot read "${envFile}": No such file or directory`),
  ];
  for (const pattern of expected) assert.match(wrapper.output, pattern);
  assert.deepEqual(workspace.haproxyPids(), []);
});

programTest("the wrapper ignores the user's own variables", async () => {
  await using workspace = new Workspace();
  const extra = `    log stdout format raw daemon "\${LOG_LEVEL}"
    log-format "\${LOG_FORMAT}"
    option httplog`;
  await workspace.replace(workspace.page("one", { extra }));
  const env = { LOG_LEVEL: "notice", LOG_FORMAT: "%ci %r", RESPAWN: "often", STATUS_LISTEN: "x" };
  const wrapper = await workspace.serve({ env });
  assert.equal(await workspace.get(), "one", wrapper.output);
});

for (const args of [[], ["--check"], ["-v"]]) {
  programTest(`a loader variable exits with 64 and says what to do: ${args}`, async () => {
    await using workspace = new Workspace();
    const words = ["-f", workspace.configuration, ...args];
    const wrapper = workspace.start({ args: words, env: { LD_BIND_NOW: "1" } });
    await wrapper.endsWith(64);
    assert.match(wrapper.output, /found "LD_BIND_NOW".*a script named "haproxy"/);
  });
}

programTest("--version says which loader variable is in the way", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ args: ["--version"], env: { LD_BIND_NOW: "1" } });
  await wrapper.endsWith(0);
  assert.match(
    wrapper.output,
    /haproxy: Deno starts no program with LD_BIND_NOW in the environment\n/,
  );
});

programTest("a script that sets a loader variable can stand in as haproxy", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.sets_a_loader_variable);
  const wrapper = await workspace.serve();
  const [pid] = workspace.haproxyPids();
  assert.match(Deno.readTextFileSync(`/proc/${pid}/environ`), /(?:^|\0)LD_BIND_NOW=1\0/);
  assert.equal(await workspace.get(), "one", wrapper.output);
});

programTest("a command that names haproxy by its path works", async () => {
  await using workspace = new Workspace();
  const args = ["/usr/local/sbin/haproxy", "-f", workspace.configuration];
  const wrapper = await workspace.serve({ args });
  assert.equal(await workspace.get(), "one", wrapper.output);
});

for (const flag of ["-v", "-vv"]) {
  programTest(`haproxy ${flag} prints exactly what HAProxy prints`, async () => {
    await using workspace = new Workspace();
    const wrapper = workspace.start({ flags: ["haproxy", flag] });
    assert.equal(await wrapper.exitCode, 0);
    const { stdout } = await new Deno.Command("haproxy", { args: [flag] }).output();
    assert.equal(wrapper.output, new TextDecoder().decode(stdout));
  });
}

programTest("an env file with an error exits with 64", async () => {
  await using workspace = new Workspace();
  const envFile = workspace.at("haproxy.env");
  await Deno.writeTextFile(
    envFile,
    `GOOD=1
secret-without-a-key
LD_PRELOAD=/x.so
OPENSSL_CONF=/x.cnf
`,
  );
  const wrapper = workspace.start({ env: { ENV_FILE: envFile } });
  assert.equal(await wrapper.exitCode, 64);
  assert.match(wrapper.output, /line 2 is not of the form KEY=value/);
  assert.match(wrapper.output, /line 3: "LD_PRELOAD"/);
  assert.match(wrapper.output, /line 4: "OPENSSL_CONF" can load other code into HAProxy/);
  assert.ok(!wrapper.output.includes("secret"), wrapper.output);
});

programTest('a leading "haproxy" is dropped, and -C is the base of relative names', async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["haproxy", "-C", workspace.configurationDirectory, "-f", "haproxy.cfg", "-db"],
  });
  await workspace.changeTo("two", wrapper);
});

programTest("without -f it loads the official image's configuration", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ args: ["--check"] });
  const hasOne = await Deno.stat("/usr/local/etc/haproxy/haproxy.cfg").then(
    () => true,
    () => false,
  );
  const exitCode = await wrapper.exitCode;
  if (!hasOne) {
    assert.equal(exitCode, 64);
    assert.match(wrapper.output, /cannot read "\/usr\/local\/etc\/haproxy\/haproxy.cfg"/);
  }
});

const FIRST_STARTS: Readonly<Record<string, readonly [configuration: string, reason: RegExp]>> = {
  "with an error": [
    "nonsense\n",
    /unknown keyword 'nonsense'[^]*error .*1 did not start: haproxy exited with 1 before it was ready; nothing serves/,
  ],
  "without a listener": ["", /generation 1 did not start: haproxy opened no listener/],
  'with "master-worker"': ["global\n    master-worker\n", /line 2 says "master-worker": remove it/],
};

for (const [what, [configuration, reason]] of Object.entries(FIRST_STARTS)) {
  programTest(`a first start ${what} exits with 1 and says why`, async () => {
    await using workspace = new Workspace();
    await workspace.replace(configuration);
    const wrapper = workspace.start();
    await wrapper.endsWith(1);
    assert.match(wrapper.output, reason);
  });
}

programTest('a "pidfile" has no effect, which is logged once', async () => {
  await using workspace = new Workspace();
  const pidfile = workspace.at("haproxy.pid");
  const text = (answer: string) =>
    `global
    daemon
    pidfile ${pidfile}
${workspace.page(answer)}`;
  await workspace.replace(text("one"));
  const wrapper = await workspace.serve();
  await workspace.replace(text("two"));
  await workspace.serves("two", wrapper);
  await workspace.haveStopped(1, wrapper);
  await wrapper.stopsAt(2);
  const told = wrapper.lines.filter((line) => line.includes('"pidfile"'));
  assert.equal(told.length, 1, wrapper.output);
  assert.match(told[0]!, /warning .*"pidfile" in ".*haproxy.cfg" line 3, which has no effect/);
  await assert.rejects(() => Deno.stat(pidfile), Deno.errors.NotFound);
});

programTest("without haproxy in PATH it exits with 127", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ env: { PATH: "/bin/nowhere" } });
  assert.equal(await wrapper.exitCode, 127);
  assert.match(wrapper.output, /cannot start "haproxy" from PATH/);
});

programTest("an unusable runtime directory exits with 73 or 64", async () => {
  await using workspace = new Workspace();
  const args = ["-f", workspace.configuration, "--runtime-dir"];
  const missing = workspace.start({ args: [...args, workspace.at("missing")] });
  assert.equal(await missing.exitCode, 73);
  assert.match(missing.output, /cannot make a private folder: found ".*missing": No such file/);
  const forbidden = workspace.start({ args: [...args, "/etc"] });
  assert.equal(await forbidden.exitCode, 64);
  assert.match(
    forbidden.output,
    /--runtime-dir: found "\/etc", wanted a directory in or below \/run/,
  );
});
