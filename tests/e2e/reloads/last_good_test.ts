/** The last good files replace those that do not start. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { record } from "../../support/wrapper/recorded.ts";
import { Authority } from "../../support/certificates.ts";
import { Asking } from "../../support/wrapper/asking.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { IN_ONE_FORM, longTest, RUNNABLE } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { servedTo } from "../../support/clients/tls_client.ts";
import { Volume } from "../../support/surroundings/volume.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import type { Wrapper, WrapperOptions } from "../../support/wrapper/wrapper.ts";
import { isThere, namesIfThere } from "../../support/machine/files.ts";

/** A folder in which a set may already be recorded. */
class Recording extends Observed {
  readonly recorded = join(this.path, "recorded");
  readonly tlsPort = freePort();

  override at(name: string): string {
    return join(this.configurationDirectory, name);
  }

  get args(): readonly string[] {
    return this.observedArgs(["--last-good", this.recorded]);
  }

  /** Records what is on disk now, as if it had served for long enough. */
  async recordNow(words: readonly string[] = ["-f", this.configuration]): Promise<void> {
    await record(this.recorded, { words, directory: this.path });
  }

  /** Starts the wrapper, whose first start fails, and waits until the last good files serve as generation 2. */
  async fallBack(options: WrapperOptions = {}): Promise<Wrapper> {
    const wrapper = this.start({ args: this.args, ...options });
    await wrapper.says(
      /error \[\d+\] generation 1 did not start: .*; starting generation 2 from what served last/,
    );
    await wrapper.says(/generation 2 serves, .*; started from what served last/);
    return wrapper;
  }

  get objects(): string[] {
    return namesIfThere(join(this.recorded, "set/objects"));
  }
}

longTest("what served for 10 s is recorded, and serves until the disk's works", async () => {
  await using workspace = new Recording();
  const first = workspace.start({ args: workspace.args });
  await first.says(/generation 1 serves/);
  await workspace.serves("one", first);
  assert.equal(isThere(join(workspace.recorded, "set/manifest.json")), false);
  const manifest = join(workspace.recorded, "set/manifest.json");
  await first.until("it to be recorded", () => isThere(manifest));
  const recorded = /generation 1 has served for 10s: recorded its 1 file in "/;
  assert.ok(await first.msBetween(/generation 1 serves/, recorded) > 9_500, first.output);
  assert.equal(await workspace.metric("serving_last_good"), 0);
  await first.endsBy("SIGTERM", 143);

  await workspace.replace(`nonsense\n${workspace.page("two")}`);
  const second = await workspace.fallBack();
  assert.equal(await workspace.get(), "one");
  assert.equal((await workspace.ask("/readyz")).status, 200);
  assert.equal((await workspace.ask("/healthz")).status, 200);
  assert.equal(await workspace.metric("serving_last_good"), 1);
  assert.equal(await workspace.metric("config_last_reload_successful"), 0);
  const status = JSON.parse((await workspace.ask("/status")).body);
  assert.deepEqual([status.degraded, status.ready, status.serving.generation], [true, true, 2]);
  assert.equal(status.serving.lastGood.directory, workspace.recorded);
  assert.equal(status.lastFailure.generation, 1);
  assert.match(status.lastFailure.alerts[0], /unknown keyword '\*\*\*'/);
  assert.match((await workspace.ask("/")).body, /serves the last good files/);

  await workspace.replace(`frontend broken\n    bind 127.0.0.1:${workspace.port} nonsense\n`);
  await second.says(
    /generation 3 rejected: .*; generation 2 keeps serving, from what served last; retry/,
  );
  second.signal("SIGHUP");
  await second.says(
    /generation 4 rejected: .*generation 2 keeps serving, from what served last; retry/,
  );
  assert.equal(await workspace.get(), "one");

  await workspace.replace(workspace.page("two"));
  await second.says(/generation 5 serves/);
  await workspace.serves("two", second);
  await workspace.measures("serving_last_good", 0, second);
  await workspace.measures("config_last_reload_successful", 1, second);
  assert.equal(JSON.parse((await workspace.ask("/status")).body).degraded, false);
});

longTest("last good files load the servers' state if they ask for it", async () => {
  await using workspace = new Recording();
  // Without a file HAProxy warns, and here warnings are errors.
  const page = workspace.page("one", { extra: "    load-server-state-from-file global" });
  await workspace.replace(`global\n    zero-warning\n${page}backend b\n    server s 127.0.0.1:1\n`);
  await workspace.recordNow();
  await workspace.replace(`nonsense\n${page}`);
  const wrapper = await workspace.fallBack();
  assert.equal(await workspace.get(), "one");
  await workspace.changeTo("two", wrapper);
});

longTest("a certificate renewed in place is recorded after serving for 10 s", async () => {
  await using workspace = new Recording();
  const authority = new Authority(join(workspace.path, "ca"));
  const [old, renewed] = [authority.issue(), authority.issue()];
  const pem = workspace.write("site.pem", old.pem);
  await workspace.replace(
    `${workspace.page("one")}    bind 127.0.0.1:${workspace.tlsPort} ssl crt ${pem}\n`,
  );
  const first = await workspace.serve({ args: workspace.args });
  await workspace.replace(renewed.pem, pem);
  await first.says(/certificate ".*site.pem" updated in generation 1 without a reload/);
  await first.says(/has served for 10s/);
  first.signal("SIGTERM");
  await first.exitCode;
  workspace.write("site.pem", "no certificate\n");
  await workspace.fallBack();
  assert.equal(await servedTo(workspace.tlsPort), renewed.fingerprint);
});

longTest("no request is lost from last good files to repaired ones", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  await workspace.replace("nonsense\n");
  const wrapper = await workspace.fallBack();
  const clients = new Asking(workspace);
  await workspace.changeTo("two", wrapper);
  assert.deepEqual(await clients.stop(), ["one", "two"]);
});

longTest("certificates, lists, maps and error files are served from the copies", async () => {
  await using workspace = new Recording();
  const authority = new Authority(join(workspace.path, "ca"));
  const own = authority.issue({ name: "own.test" });
  const listed = authority.issue({ name: "l.test" });
  workspace.write("own.crt", own.certificate);
  workspace.write("own.crt.key", own.key);
  workspace.write("listed.pem", listed.pem);
  workspace.write("crt.list", `${workspace.at("listed.pem")} l.test\n`);
  workspace.write("text.map", "127.0.0.1 mapped\n");
  workspace.write("503.http", "HTTP/1.0 503 Gone\r\nContent-Length: 9\r\n\r\nall right");
  await workspace.replace(
    `${
      workspace.page("x", { extra: `    errorfile 503 ${workspace.at("503.http")}` }).replace(
        'string "x"',
        `lf-string "%[src,map_ip(${workspace.at("text.map")},none)]" unless { path /backend }`,
      )
    }    bind 127.0.0.1:${workspace.tlsPort} ssl crt ${workspace.at("own.crt")} crt-list ${
      workspace.at("crt.list")
    }
    default_backend nobody
backend nobody
`,
  );
  await workspace.recordNow();
  // Everything breaks at once: another certificate's key, half a map, missing files.
  workspace.write("own.crt.key", listed.key);
  workspace.write("text.map", "127.0.0.1 wrong\nno address\n");
  for (const name of ["crt.list", "listed.pem", "503.http"]) Deno.removeSync(workspace.at(name));
  const wrapper = await workspace.fallBack();
  assert.equal(await workspace.get(), "mapped");
  assert.equal(await servedTo(workspace.tlsPort, { servername: "x.test" }), own.fingerprint);
  assert.equal(await servedTo(workspace.tlsPort, { servername: "l.test" }), listed.fingerprint);
  const answer = await fetch(`http://127.0.0.1:${workspace.port}/backend`);
  assert.deepEqual([answer.status, await answer.text()], [503, "all right"]);
  // Repaired file by file, they serve once the last one is repaired.
  workspace.write("own.crt.key", own.key);
  workspace.write("listed.pem", listed.pem);
  workspace.write("crt.list", `${workspace.at("listed.pem")} l.test\n`);
  workspace.write("503.http", "HTTP/1.0 503 Gone\r\nContent-Length: 9\r\n\r\nall right");
  workspace.write("text.map", "127.0.0.1 mended\n");
  await workspace.serves("mended", wrapper);
});

longTest("while a configuration is missing, the last good files serve", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  Deno.removeSync(workspace.configuration);
  const wrapper = await workspace.fallBack();
  assert.equal(await workspace.get(), "one");
  await workspace.changeTo("two", wrapper);
});

longTest("for a refused env file, last good serves with the recorded variables", async () => {
  await using workspace = new Recording();
  const env = workspace.write("env", "TEXT=one\n");
  await workspace.replace(workspace.page("${TEXT}"));
  await workspace.recordNow(["-f", workspace.configuration, "--env-file", env]);
  workspace.write("env", "PATH=/evil\n");
  const args = [...workspace.args, "--env-file", env];
  const wrapper = await workspace.fallBack({ args });
  assert.equal(await workspace.get(), "one");
  workspace.write("env", "TEXT=two\n");
  await workspace.serves("two", wrapper);
});

longTest("mounts as kubelet writes them are recorded, and repaired by a swap", async () => {
  await using workspace = new Recording();
  const volume = new Volume(join(workspace.path, "volume"));
  const map = join(volume.path, "text.map");
  const page = workspace.page("x").replace('string "x"', `lf-string "%[src,map_ip(${map})]"`);
  await volume.write({ "haproxy.cfg": page, "text.map": "127.0.0.1 one\n" });
  const file = join(volume.path, "haproxy.cfg");
  const args = [
    ...["-f", file, "--last-good", workspace.recorded],
    ...["--status-listen", `127.0.0.1:${workspace.statusPort}`],
  ];
  await workspace.recordNow(["-f", file]);
  await volume.write({ "haproxy.cfg": `${page}nonsense\n`, "text.map": "nonsense\n" });
  const wrapper = await workspace.fallBack({ args });
  assert.equal(await workspace.get(), "one");
  await volume.write({ "haproxy.cfg": page, "text.map": "127.0.0.1 two\n" });
  await workspace.serves("two", wrapper);
});

longTest("with --no-reload a signal loads the repaired files", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  await workspace.replace("nonsense\n");
  const wrapper = await workspace.fallBack({ args: [...workspace.args, "--no-reload"] });
  await workspace.replace(workspace.page("two"));
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 3 serves/);
  await workspace.serves("two", wrapper);
});

longTest("a retry notices when the cause has passed", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  const taken = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: taken });
  await workspace.replace(`${workspace.page("two")}    bind 127.0.0.1:${taken}\n`);
  const wrapper = await workspace.fallBack();
  assert.equal(await workspace.get(), "one");
  listener.close();
  await wrapper.says(/generation \d serves, .*reloaded by a retry/);
  await workspace.serves("two", wrapper);
});

longTest("if last good fails too, both are logged and the first sets the status", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  await workspace.standIn(STAND_INS.dies_before_ready);
  const wrapper = workspace.start({ args: workspace.args });
  assert.equal(await wrapper.exitCode, 3);
  assert.match(
    wrapper.output,
    /generation 1 did not start: haproxy exited with 3 .*; starting generation 2/,
  );
  assert.match(
    wrapper.output,
    /generation 2, started from what served last, did not start: .*; nothing serves, exiting with 3/,
  );
  assert.deepEqual(workspace.haproxyPids(), []);
});

longTest("a tampered set is refused, naming the file, and counts as missing", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  const [object] = workspace.objects;
  const text = workspace.page("evil");
  Deno.writeTextFileSync(join(workspace.recorded, "set/objects", object!), text);
  await workspace.replace("nonsense\n");
  const wrapper = workspace.start({ args: workspace.args });
  assert.equal(await wrapper.exitCode, 1);
  assert.match(
    wrapper.output,
    /the set recorded in ".*" cannot serve instead: the copy of ".*haproxy.cfg" is missing or not what/,
  );
  assert.match(wrapper.output, /generation 1 did not start: .*; nothing serves, exiting with 1/);
});

longTest("wrong flags end with 64 despite a set, a missing file without one", async () => {
  await using workspace = new Recording();
  Deno.removeSync(workspace.configuration);
  const nothing = workspace.start({ args: workspace.args });
  assert.equal(await nothing.exitCode, 64);
  await workspace.replace(workspace.page("one"));
  await workspace.recordNow();
  Deno.removeSync(workspace.configuration);
  const wrong = workspace.start({ args: [...workspace.args, "--settle-time", "soon"] });
  assert.equal(await wrong.exitCode, 64);
  const [object] = workspace.objects;
  Deno.truncateSync(join(workspace.recorded, "set/objects", object!));
  const damaged = workspace.start({ args: workspace.args });
  assert.equal(await damaged.exitCode, 64);
  assert.match(damaged.output, /cannot serve instead: the copy of[^]*cannot read ".*haproxy.cfg"/);
});

longTest("the last good files are not tried if haproxy is missing", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  const wrapper = workspace.start({ args: workspace.args, env: { PATH: workspace.binaries } });
  assert.equal(await wrapper.exitCode, 127);
  assert.doesNotMatch(wrapper.output, /what served last/);
});

longTest("a process with last good files ends everything when it dies", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  await workspace.replace("nonsense\n");
  const wrapper = await workspace.fallBack();
  for (const pid of workspace.haproxyPids()) Deno.kill(pid, "SIGKILL");
  assert.equal(await wrapper.exitCode, 137);
});

longTest("SIGKILL during recording leaves the previous set", async () => {
  await using workspace = new Recording();
  await workspace.recordNow();
  const lines = Array.from({ length: 2_000 }, (_, index) => {
    const path = workspace.write(`${index}.map`, `127.0.0.1 ${index}\n`);
    return `    http-request set-var(txn.v) src,map_ip(${path})\n`;
  });
  await workspace.replace(workspace.page("many") + lines.join(""));
  const wrapper = await workspace.serve({ args: workspace.args });
  await wrapper.until("some copies", () => workspace.objects.length > 10);
  wrapper.kill();
  // The HAProxy that it leaves keeps its output open.
  for (const pid of workspace.haproxyPids()) Deno.kill(pid, "SIGKILL");
  await wrapper.exitCode;
  assert.ok(!wrapper.output.includes("recorded its"), wrapper.output);
  await workspace.replace("nonsense\n");
  await workspace.fallBack();
  await waitFor("what was recorded", async () => await workspace.get() === "one");
});

const IN_NAMESPACE = (mount: string, directory: string) => [
  ...["unshare", "--mount", "sh", "-c"],
  `mkdir -p ${directory} && mount -t tmpfs -o ${mount} none ${directory} && exec "$@"`,
  "sh",
];

for (const [what, mount] of [["full", "size=16k"], ["read-only", "ro"]] as const) {
  testNeeding(
    [RUNNABLE, ROOT, IN_ONE_FORM],
    `a ${what} directory is reported once, and nothing else happens`,
    async () => {
      await using workspace = new Recording();
      const paths = Array.from({ length: 20 }, (_, index) => {
        return workspace.write(`${index}.map`, `127.0.0.1 ${String(index).repeat(2_000)}\n`);
      });
      const maps = paths.map((path) => `    http-request set-var(txn.v) src,map_ip(${path})\n`);
      await workspace.replace(workspace.page("one") + maps.join(""));
      const wrapper = await workspace.serve({
        args: workspace.args,
        launcher: IN_NAMESPACE(mount, workspace.recorded),
      });
      await wrapper.says(/warning .*cannot record what serves in "/);
      assert.match(wrapper.output, /No space left on device|Read-only file system/);
      await workspace.replace(workspace.page("two") + maps.join(""));
      await workspace.serves("two", wrapper);
    },
  );
}
