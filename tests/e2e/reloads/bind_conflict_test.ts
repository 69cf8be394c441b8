/** A changed bind without port sharing: the serving process is in the way, and may be paused. */
import assert from "node:assert/strict";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { killQuietly } from "../../support/machine/processes.ts";
import { finish, get, Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const FLAG = "--pause-on-bind-conflict";
/** Without a settle time there is no process on standby, so the starts can be counted. */
const NOTHING_AHEAD = { env: { HRW_SETTLE_TIME: "0s" } };

class Unshared extends Workspace {
  readonly otherPort = freePort();

  constructor() {
    super();
    Deno.writeTextFileSync(this.configuration, this.bound("one", "127.0.0.1"));
  }

  /** Next to a frontend that never changes. */
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

  /** From a path that a stand-in may take later: Deno looks the program up once. */
  async serveWith(...flags: string[]): Promise<Wrapper> {
    await this.standIn(STAND_INS.is_haproxy);
    return await this.serve({ args: [...flags, "-f", this.configuration], ...NOTHING_AHEAD });
  }

  /** An HAProxy whose third start, with the old process paused, is `script`; `-c` does not count. */
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

  /** The answer to an HTTP request through the unix socket. */
  async askOther(): Promise<string> {
    using connection = await Deno.connect({ transport: "unix", path: `${this.path}/other.sock` });
    return (await get(connection))!;
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
  programTest(`without the flag, a bind refused because of ${what} names the remedy`, async () => {
    await using workspace = new Unshared();
    await Deno.writeTextFile(workspace.configuration, workspace.bound("one", "127.0.0.1", before));
    const wrapper = await workspace.serveWith();
    await workspace.replace(workspace.bound("two", "*", after));
    const [line] = await wrapper.says(/error .*generation 2 rejected: .*/);
    assert.ok(
      line.includes(
        `haproxy cannot bind 0.0.0.0:${workspace.port}: generation 1 itself holds the port, for "page", and does not share it ` +
          `because of "noreuseport" or "-dR"; restart the wrapper, or set ${FLAG}`,
      ),
      line,
    );
    assert.equal(await workspace.get(), "one");
    assert.equal(await workspace.get(workspace.otherPort), "one");
    await workspace.replace(workspace.bound("marker", "127.0.0.1", before));
    await workspace.serves("marker", wrapper);
    assert.doesNotMatch(wrapper.output, /Paused frontend/);
  });
}

programTest("with the flag the change is served and the old process drains", async () => {
  await using workspace = new Unshared();
  const wrapper = await workspace.serveWith(FLAG);
  using request = await workspace.openRequest();
  await workspace.replace(workspace.bound("two", "*"));
  await wrapper.says(/generation 2 serves/);
  const [, ms] = await wrapper.says(WARNING);
  assert.ok(Number(ms) > 0, wrapper.output);
  assert.match(
    wrapper.output,
    /so that generation 2 could bind its ports; the new one listens now\n/,
  );
  await workspace.serves("two", wrapper);
  assert.match(await finish(request), /one$/);
  await wrapper.says(/generation 1 drained/);
  assert.equal(await workspace.get(workspace.otherPort), "two");
  assert.equal(await workspace.askOther(), "two");
  assert.doesNotMatch(wrapper.output, /Paused frontend (?!page)/);
});

commonTest("with the flag a change under -dR is served as well", async () => {
  await using workspace = new Unshared();
  const global = { global: "maxconn 100" };
  await Deno.writeTextFile(workspace.configuration, workspace.bound("one", "127.0.0.1", global));
  const wrapper = await workspace.serveWith(FLAG, "-dR");
  const options = { ...global, options: "interface lo" };
  await workspace.replace(workspace.bound("two", "127.0.0.1", options));
  await wrapper.says(WARNING);
  await workspace.serves("two", wrapper);
});

/** Waits until generation 2 is rejected after a pause, and asserts that 1 serves all that it served before. */
async function servesAgain(workspace: Unshared, wrapper: Wrapper): Promise<void> {
  const explain = () => wrapper.output;
  const [line] = await wrapper.says(WARNING);
  await wrapper.says(/the new one does not serve, so the old one listens again\n/);
  await wrapper.says(/generation 2 rejected: .*retry when a file changes/);
  assert.ok(line);
  assert.equal(await workspace.get(), "one", wrapper.output);
  assert.equal(await workspace.get(workspace.otherPort), "one");
  assert.equal(await workspace.askOther(), "one");
  await waitFor("one process", () => workspace.haproxyPids().length === 1, { explain });
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.replace(workspace.bound("marker", "127.0.0.1"));
  await workspace.serves("marker", wrapper);
  await wrapper.says(/generation 1 drained/);
  assert.equal(await workspace.get(workspace.otherPort), "marker");
  assert.equal(await workspace.askOther(), "marker");
  await wrapper.stopsAt(3);
}

programTest("with the flag, the old process resumes if a stranger holds the port", async () => {
  await using workspace = new Unshared();
  using _stranger = Deno.listen({ hostname: "127.0.0.2", port: workspace.port });
  const wrapper = await workspace.serveWith(FLAG);
  await workspace.replace(workspace.bound("two", "*"));
  await servesAgain(workspace, wrapper);
});

for (
  const name of ["dies_before_ready", "never_ready", "ignores_term", "listens_elsewhere"] as const
) {
  programTest(`with the flag the old process listens again after "${name}"`, async () => {
    await using workspace = new Unshared();
    const wrapper = await workspace.serveWith(FLAG);
    await workspace.standInWhilePaused(STAND_INS[name]);
    await workspace.replace(workspace.bound("two", "*"));
    await servesAgain(workspace, wrapper);
  });
}

/** While the old process is paused for one that never becomes ready. */
async function paused(workspace: Unshared, ...flags: string[]): Promise<Wrapper> {
  const wrapper = await workspace.serveWith(FLAG, ...flags);
  await workspace.standInWhilePaused(STAND_INS.ends_with_its_wrapper);
  await workspace.replace(workspace.bound("two", "*"));
  await wrapper.says(/Paused frontend page/);
  const starts = workspace.at("starts");
  await waitFor("the third start", () => Deno.readTextFileSync(starts) === "...");
  return wrapper;
}

programTest("SIGUSR1 during a pause: it listens until the delay is over", async () => {
  await using workspace = new Unshared();
  const wrapper = await paused(workspace, "--drain-delay", "1m");
  wrapper.signal("SIGUSR1");
  await wrapper.says(/the old one listens again\n/);
  assert.equal(await workspace.get(), "one");
  await wrapper.endsBy("SIGUSR1", 0);
});

for (const [signal, code] of [["SIGUSR1", 0], ["SIGTERM", 143]] as const) {
  commonTest(`${signal} during a pause ends everything`, async () => {
    await using workspace = new Unshared();
    const wrapper = await paused(workspace);
    await wrapper.endsBy(signal, code);
  });
}

for (const end of ["fails", "is ready"] as const) {
  commonTest(`killed during a pause: the next start resumes it, and ${end}`, async () => {
    await using workspace = new Unshared();
    const killed = await paused(workspace);
    await killed.dies();
    assert.equal(await workspace.get(), null);
    await workspace.standIn(STAND_INS.is_haproxy);
    const flags = end === "fails" ? [] : [FLAG];
    const wrapper = workspace.start({
      args: [...flags, "-f", workspace.configuration],
      ...NOTHING_AHEAD,
    });
    await wrapper.says(/HAProxy listens again for "page", paused when its wrapper was killed/);
    if (end === "fails") {
      assert.equal(await wrapper.exitCode, 1);
      assert.equal(await workspace.get(), "one");
    } else {
      await workspace.serves("two", wrapper);
      await wrapper.says(/paused in generation (?:0|-1) so that generation 1 could bind its ports/);
    }
  });
}

commonTest("an old process that dies while paused is respawned", async () => {
  await using workspace = new Unshared();
  const wrapper = await workspace.serveWith(FLAG, "--respawn", "1");
  const [old] = workspace.haproxyPids();
  await workspace.standInWhilePaused(STAND_INS.never_ready);
  await workspace.replace(workspace.bound("two", "*"));
  await wrapper.says(/Paused frontend page/);
  killQuietly(old!);
  await workspace.serves("two", wrapper);
  await wrapper.says(/serves.*respawned because generation 1 was killed by SIGKILL/);
});

programTest("a stranger on the port is not mistaken for the serving process", async () => {
  await using workspace = new Unshared();
  const shared = { global: "maxconn 100" };
  await Deno.writeTextFile(workspace.configuration, workspace.bound("one", "127.0.0.1", shared));
  const stranger = Deno.listen({ hostname: "127.0.0.2", port: workspace.port });
  const wrapper = await workspace.serveWith(FLAG);
  await workspace.replace(workspace.bound("two", "*", shared));
  await wrapper.says(/generation 2 rejected: haproxy exited with 1 .*retry in 1s/);
  stranger.close();
  await workspace.serves("two", wrapper);
  assert.doesNotMatch(wrapper.output, /Paused frontend|itself holds/);
});

programTest("a frontend with a unix socket is not paused", async () => {
  await using workspace = new Unshared();
  const more = `    bind unix@${workspace.path}/page.sock\n`;
  const withSocket = (text: string, address: string) =>
    workspace.bound(text, address).replace("frontend other", `${more}frontend other`);
  await Deno.writeTextFile(workspace.configuration, withSocket("one", "127.0.0.1"));
  const wrapper = await workspace.serveWith(FLAG);
  await workspace.replace(withSocket("two", "*"));
  await wrapper.says(
    /restart the wrapper, because --pause-on-bind-conflict does not help: frontend "page" has a unix socket as well/,
  );
  assert.equal(await workspace.get(), "one");
  assert.doesNotMatch(wrapper.output, /Paused frontend/);
});

const FIXED: Readonly<Record<string, readonly [global: string, obstacle: string]>> = {
  "a stats socket": ["stats socket ADDRESS", "HAProxy cannot pause stats sockets"],
  "a peers section": [
    "localpeer lb1\npeers mine\n    peer lb1 ADDRESS",
    'HAProxy cannot pause "lb1", which is no frontend',
  ],
};

for (const [holder, [global, obstacle]] of Object.entries(FIXED)) {
  for (const flags of [[], [FLAG]]) {
    const given = flags.length === 0 ? "without the flag" : "with the flag";
    programTest(
      `${given}, the port of ${holder} is refused at once, and the flag no remedy`,
      async () => {
        await using workspace = new Unshared();
        const port = freePort();
        const on = (text: string, address: string) => {
          const line = global.replace("ADDRESS", `${address}:${port}`);
          return workspace.bound(text, "127.0.0.1", { global: `noreuseport\n    ${line}` });
        };
        await Deno.writeTextFile(workspace.configuration, on("one", "127.0.0.1"));
        const wrapper = await workspace.serveWith(...flags);
        await workspace.replace(on("two", "*"));
        await wrapper.says(
          new RegExp(
            `generation 2 rejected: .*restart the wrapper, because ${FLAG} does not help: ${obstacle} `,
          ),
        );
        assert.equal(await workspace.get(), "one");
        await workspace.replace(on("marker", "127.0.0.1"));
        await workspace.serves("marker", wrapper);
        assert.doesNotMatch(wrapper.output, /did not listen|Paused|retry when a file changes/);
      },
    );
  }
}

commonTest(
  "a leftover that holds the port is to be ended, and with the flag is paused",
  async () => {
    await using workspace = new Unshared();
    const killed = await workspace.serveWith();
    const [left] = workspace.haproxyPids();
    await killed.dies();
    await workspace.replace(workspace.bound("two", "*"));
    const wrapper = workspace.start(NOTHING_AHEAD);
    assert.equal(await wrapper.exitCode, 1);
    assert.ok(
      wrapper.output.includes(
        'generation 0 itself holds the port, for "page", and does not share it because of "noreuseport" or "-dR"; ' +
          `end that process by SIGUSR1, or set ${FLAG}; process ${left}, left behind`,
      ),
      wrapper.output,
    );
    assert.equal(await workspace.get(), "one");
    const pausing = await workspace.serveWith(FLAG);
    await pausing.says(
      /paused in generation 0 so that generation 1 could bind its ports; the new one listens now\n/,
    );
    await workspace.serves("two", pausing);
  },
);
