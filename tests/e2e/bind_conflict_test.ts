/** A bind that changes where ports are not shared: the serving process itself is in the way, and may be paused. */
import assert from "node:assert/strict";
import { commonTest, programTest } from "../support/program.ts";
import { STAND_INS } from "../support/stand_ins.ts";
import { waitFor } from "../support/wait.ts";
import { freePort, killQuietly, Workspace, type Wrapper } from "../support/wrapper.ts";

const FLAG = "--pause-on-bind-conflict";
/** Without a settle time no process is started ahead, so that the starts can be counted. */
const NOTHING_AHEAD = { env: { HRW_SETTLE_TIME: "0s" } };

class Unshared extends Workspace {
  readonly otherPort = freePort();

  constructor() {
    super();
    Deno.writeTextFileSync(this.configuration, this.bound("one", "127.0.0.1"));
  }

  /** Beside a frontend of which nothing changes. */
  bound(text: string, address: string, { global = "noreuseport", options = "" } = {}): string {
    const page = this.page(text).replace(
      `127.0.0.1:${this.port}`,
      `${address}:${this.port} ${options}`,
    );
    return `global\n    ${global}\n${page}    bind 127.0.0.1:${this.otherPort}
frontend other
    bind unix@${this.path}/other.sock
    http-request return status 200 content-type text/plain string "${text}"
`;
  }

  /** From a path at which a stand-in may be put later: Deno looks for the program once. */
  async serveWith(...flags: string[]): Promise<Wrapper> {
    await this.standIn(STAND_INS.is_haproxy);
    return await this.serve({ args: [...flags, "-f", this.configuration], ...NOTHING_AHEAD });
  }

  /** A HAProxy whose third start, which is the one with the other paused, is `script`; -c counts as none. */
  async standInWhilePaused(script: string): Promise<void> {
    const [shebang, check, ...rest] = script.split("\n");
    const [, ...otherwise] = STAND_INS.is_haproxy.split("\n").slice(1);
    await this.standIn([
      ...[shebang, check],
      'starts="$(cat starts 2> /dev/null)."; printf %s "$starts" > starts',
      'if [ "$starts" = ... ]; then',
      ...rest,
      "fi",
      ...otherwise,
    ].join("\n"));
  }

  /** What an http client is answered through the unix socket. */
  async askOther(): Promise<string> {
    using connection = await Deno.connect({ transport: "unix", path: `${this.path}/other.sock` });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    return (await new Response(connection.readable).text()).split("\r\n\r\n")[1]!;
  }
}

const WARNING = /warning .*frontend "page" did not listen for (\d+) ms: paused in generation 1/;

for (
  const [what, before, after] of [
    ["noreuseport, as before,", {}, {}],
    ["noreuseport, which goes with that change,", {}, { global: "maxconn 100" }],
    ["noreuseport, which comes with that change,", { global: "maxconn 100" }, {}],
  ] as const
) {
  programTest(
    `without the flag what ${what} keeps from being bound is refused with the remedy`,
    async () => {
      await using workspace = new Unshared();
      await Deno.writeTextFile(
        workspace.configuration,
        workspace.bound("one", "127.0.0.1", before),
      );
      const wrapper = await workspace.serveWith();
      await workspace.replace(workspace.bound("two", "*", after));
      const [line] = await wrapper.saysMatching(/error .*generation 2 rejected: .*/);
      assert.ok(
        line.includes(
          `haproxy cannot bind 0.0.0.0:${workspace.port}: generation 1 itself holds the port, for "page", and shares none, ` +
            `by "noreuseport" or "-dR"; restart the wrapper, or set ${FLAG}`,
        ),
        line,
      );
      assert.equal(await workspace.get(), "one");
      assert.equal(await workspace.get(workspace.otherPort), "one");
      await workspace.replace(workspace.bound("marker", "127.0.0.1", before));
      await workspace.serves("marker", wrapper);
      assert.doesNotMatch(wrapper.output, /Paused frontend/);
    },
  );
}

programTest(
  "with the flag the change is served, and the old process ends what it has",
  async () => {
    await using workspace = new Unshared();
    const wrapper = await workspace.serveWith(FLAG);
    using request = await workspace.openRequest();
    await workspace.replace(workspace.bound("two", "*"));
    await wrapper.saysMatching(/generation 2 serves/);
    const [, ms] = await wrapper.saysMatching(WARNING);
    assert.ok(Number(ms) > 0, wrapper.output);
    assert.match(
      wrapper.output,
      /so that generation 2 could bind its ports; the new one listens now\n/,
    );
    await workspace.serves("two", wrapper);
    await request.write(new TextEncoder().encode("\r\n"));
    assert.match(await new Response(request.readable).text(), /one$/);
    await wrapper.saysMatching(/generation 1 drained/);
    assert.equal(await workspace.get(workspace.otherPort), "two");
    assert.equal(await workspace.askOther(), "two");
    assert.doesNotMatch(wrapper.output, /Paused frontend (?!page)/);
  },
);

commonTest("with the flag what -dR keeps from being shared is served, too", async () => {
  await using workspace = new Unshared();
  const global = { global: "maxconn 100" };
  await Deno.writeTextFile(workspace.configuration, workspace.bound("one", "127.0.0.1", global));
  const wrapper = await workspace.serveWith(FLAG, "-dR");
  const options = { ...global, options: "interface lo" };
  await workspace.replace(workspace.bound("two", "127.0.0.1", options));
  await wrapper.saysMatching(WARNING);
  await workspace.serves("two", wrapper);
});

/** Waits until generation 2 is rejected after a pause, and proves that 1 serves all that it served. */
async function servesAgain(workspace: Unshared, wrapper: Wrapper): Promise<void> {
  const explain = () => wrapper.output;
  const [line] = await wrapper.saysMatching(WARNING);
  await wrapper.saysMatching(/the new one does not serve, the old one listens again\n/);
  await wrapper.saysMatching(/generation 2 rejected: .*retry when a file changes/);
  assert.ok(line);
  assert.equal(await workspace.get(), "one", wrapper.output);
  assert.equal(await workspace.get(workspace.otherPort), "one");
  assert.equal(await workspace.askOther(), "one");
  await waitFor("one process", () => workspace.haproxyPids().length === 1, { explain });
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.replace(workspace.bound("marker", "127.0.0.1"));
  await workspace.serves("marker", wrapper);
  await wrapper.saysMatching(/generation 1 drained/);
  assert.equal(await workspace.get(workspace.otherPort), "marker");
  assert.equal(await workspace.askOther(), "marker");
  await wrapper.stopsAt(3);
}

programTest("with the flag a port that a stranger holds as well is resumed", async () => {
  await using workspace = new Unshared();
  using _stranger = Deno.listen({ hostname: "127.0.0.2", port: workspace.port });
  const wrapper = await workspace.serveWith(FLAG);
  await workspace.replace(workspace.bound("two", "*"));
  await servesAgain(workspace, wrapper);
});

for (
  const name of ["dies_before_ready", "never_ready", "ignores_term", "listens_elsewhere"] as const
) {
  programTest(
    `with the flag the old process listens again when the new one is "${name}"`,
    async () => {
      await using workspace = new Unshared();
      const wrapper = await workspace.serveWith(FLAG);
      await workspace.standInWhilePaused(STAND_INS[name]);
      await workspace.replace(workspace.bound("two", "*"));
      await servesAgain(workspace, wrapper);
    },
  );
}

/** With the old process paused for one that never gets ready. */
async function paused(workspace: Unshared, ...flags: string[]): Promise<Wrapper> {
  const wrapper = await workspace.serveWith(FLAG, ...flags);
  await workspace.standInWhilePaused(STAND_INS.never_ready);
  await workspace.replace(workspace.bound("two", "*"));
  await wrapper.saysMatching(/Paused frontend page/);
  return wrapper;
}

programTest("who is told to leave during a pause listens until the delay is over", async () => {
  await using workspace = new Unshared();
  const wrapper = await paused(workspace, "--drain-delay", "1m");
  wrapper.signal("SIGUSR1");
  await wrapper.saysMatching(/the old one listens again\n/);
  assert.equal(await workspace.get(), "one");
  wrapper.signal("SIGUSR1");
  assert.equal(await wrapper.exitCode, 0);
});

for (const [signal, code] of [["SIGUSR1", 0], ["SIGTERM", 143]] as const) {
  commonTest(`${signal} during a pause ends all`, async () => {
    await using workspace = new Unshared();
    const wrapper = await paused(workspace);
    wrapper.signal(signal);
    assert.equal(await wrapper.exitCode, code);
    assert.deepEqual(workspace.haproxyPids(), []);
  });
}

commonTest(
  "an old process that dies while it is paused is respawned from what is on disk",
  async () => {
    await using workspace = new Unshared();
    const wrapper = await workspace.serveWith(FLAG, "--respawn", "1");
    const [old] = workspace.haproxyPids();
    await workspace.standInWhilePaused(STAND_INS.never_ready);
    await workspace.replace(workspace.bound("two", "*"));
    await wrapper.saysMatching(/Paused frontend page/);
    killQuietly(old!);
    await workspace.serves("two", wrapper);
    await wrapper.saysMatching(/serves.*respawned because generation 1 was ended by SIGKILL/);
  },
);

programTest("a stranger is not taken for the serving process, which shares its ports", async () => {
  await using workspace = new Unshared();
  const shared = { global: "maxconn 100" };
  await Deno.writeTextFile(workspace.configuration, workspace.bound("one", "127.0.0.1", shared));
  const stranger = Deno.listen({ hostname: "127.0.0.2", port: workspace.port });
  const wrapper = await workspace.serveWith(FLAG);
  await workspace.replace(workspace.bound("two", "*", shared));
  await wrapper.saysMatching(/generation 2 rejected: haproxy exited with 1 .*retry in 1s/);
  stranger.close();
  await workspace.serves("two", wrapper);
  assert.doesNotMatch(wrapper.output, /Paused frontend|itself holds/);
});

programTest(
  "no frontend is paused that has a unix socket, as an abstract one would be lost",
  async () => {
    await using workspace = new Unshared();
    const more = `    bind unix@${workspace.path}/page.sock\n`;
    const withSocket = (text: string, address: string) =>
      workspace.bound(text, address).replace("frontend other", `${more}frontend other`);
    await Deno.writeTextFile(workspace.configuration, withSocket("one", "127.0.0.1"));
    const wrapper = await workspace.serveWith(FLAG);
    await workspace.replace(withSocket("two", "*"));
    await wrapper.saysMatching(
      /restart the wrapper, as --pause-on-bind-conflict does not help: frontend "page" has a unix socket as well/,
    );
    assert.equal(await workspace.get(), "one");
    assert.doesNotMatch(wrapper.output, /Paused frontend/);
  },
);
