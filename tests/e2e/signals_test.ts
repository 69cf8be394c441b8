/** Every signal's one effect, and the exit status that tells how it ended. */
import assert from "node:assert/strict";
import { constants } from "node:os";
import { SIGNALS } from "../../lib/system/signals.ts";
import { FORM, programTest } from "../support/program.ts";
import { STAND_INS } from "../support/stand_ins.ts";
import { pause, waitFor } from "../support/wait.ts";
import { childrenOf, freeze, Workspace, type Wrapper } from "../support/wrapper.ts";

type Check = (workspace: Workspace, wrapper: Wrapper) => Promise<void>;
type Signal = keyof typeof SIGNALS;

const endsWith = (signal: Signal, exitCode: number): Check => async (workspace, wrapper) => {
  using _request = await workspace.openRequest();
  wrapper.signal(signal);
  assert.equal(await wrapper.exitCode, exitCode, wrapper.output);
  assert.deepEqual(workspace.haproxyPids(), []);
  assert.match(wrapper.output, new RegExp(`${signal} received: passed on to all HAProxy`));
};

const reloads = (signal: Signal): Check => async (workspace, wrapper) => {
  wrapper.signal(signal);
  await wrapper.saysMatching(new RegExp(`generation 2 serves.*by ${signal}, nothing changed`));
  assert.equal(await workspace.get(), "one");
};

/** Nothing pauses, nothing reloads: the next reload is the first. */
const isIgnored = (signal: Signal): Check => async (workspace, wrapper) => {
  wrapper.signal(signal);
  assert.equal(await workspace.get(), "one");
  await reloads("SIGHUP")(workspace, wrapper);
  await wrapper.stopsAt(2);
};

const drains: Check = async (workspace, wrapper) => {
  using request = await workspace.openRequest();
  wrapper.signal("SIGUSR1");
  await wrapper.saysMatching(/SIGUSR1 received: HAProxy finishes its connections/);
  await waitFor("the listener to close", async () => await workspace.get() === null);
  await request.write(new TextEncoder().encode("\r\n"));
  assert.match(await new Response(request.readable).text(), /one$/);
  assert.equal(await wrapper.exitCode, 0, wrapper.output);
};

const isPassedOn: Check = async (workspace, wrapper) => {
  await passOnQuit(workspace, wrapper);
  assert.equal(await workspace.get(), "one");
};

/** What each signal of the program's own table is for; a new one without an entry does not compile. */
const EFFECTS = {
  SIGTERM: endsWith("SIGTERM", 143),
  SIGINT: endsWith("SIGINT", 130),
  SIGUSR1: drains,
  SIGHUP: reloads("SIGHUP"),
  SIGUSR2: reloads("SIGUSR2"),
  SIGQUIT: isPassedOn,
  SIGTTIN: isIgnored("SIGTTIN"),
  SIGTTOU: isIgnored("SIGTTOU"),
} as const satisfies Record<Signal, Check>;

for (const [signal, check] of Object.entries(EFFECTS)) {
  programTest(
    `${signal} does what the table of signals says: ${SIGNALS[signal as Signal].tag}`,
    async () => {
      await using workspace = new Workspace();
      await check(workspace, await workspace.serve());
    },
  );
}

programTest("SIGTERM ends old processes that still drain as well", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  using _request = await workspace.openRequest();
  wrapper.signal("SIGHUP");
  await wrapper.saysMatching(/generation 2 serves.*1 old process draining/);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.deepEqual(workspace.haproxyPids(), []);
});

programTest("a second SIGTERM kills at once what ignores the first", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await freeze(workspace.haproxyPids()[0]!);
  wrapper.signal("SIGTERM");
  await wrapper.saysMatching(/SIGTERM received: passed on/);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.match(wrapper.output, /SIGTERM received again: killing all processes that are left/);
});

programTest(
  "one Ctrl-C that comes twice, from the terminal and from deno task, counts once",
  async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve();
    await freeze(workspace.haproxyPids()[0]!);
    wrapper.signal("SIGINT");
    await wrapper.saysMatching(/SIGINT received: passed on/);
    wrapper.signal("SIGINT");
    wrapper.signal("SIGTERM");
    assert.equal(await wrapper.exitCode, 130);
    assert.doesNotMatch(wrapper.output, /SIGINT received again/);
  },
);

programTest("what ignores SIGTERM is killed after 5 s", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await freeze(workspace.haproxyPids()[0]!);
  wrapper.signal("SIGINT");
  assert.equal(await wrapper.exitCode, 130);
  assert.deepEqual(workspace.haproxyPids(), []);
});

programTest("SIGTERM while the last drain goes on ends it", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  using _request = await workspace.openRequest();
  wrapper.signal("SIGUSR1");
  await wrapper.saysMatching(/SIGUSR1 received/);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
});

programTest("--shutdown-wait bounds the last drain, which still ends with 0", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { SHUTDOWN_WAIT: "300ms" } });
  using _request = await workspace.openRequest();
  wrapper.signal("SIGUSR1");
  assert.equal(await wrapper.exitCode, 0);
  assert.match(wrapper.output, /generation 1 .* after .*: its --shutdown-wait was over\n/);
});

for (const [signal, exitCode] of [["SIGSEGV", 139], ["SIGKILL", 137], ["SIGUSR1", 0]] as const) {
  programTest(`a serving process that ends by ${signal} ends all with ${exitCode}`, async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve();
    const [old] = workspace.haproxyPids();
    using _request = await workspace.openRequest();
    wrapper.signal("SIGHUP");
    await wrapper.saysMatching(/generation 2 serves.*1 old process draining/);
    const serving = workspace.haproxyPids().find((pid) => pid !== old);
    Deno.kill(serving!, signal);
    assert.equal(await wrapper.exitCode, exitCode, wrapper.output);
    assert.match(wrapper.output, /error .*generation 2 .* while serving/);
    assert.deepEqual(workspace.haproxyPids(), []);
  });
}

programTest("a serving process that dies of a real-time signal is noticed as well", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  const pid = String(workspace.haproxyPids()[0]!);
  await new Deno.Command("kill", { args: ["-s", "RTMIN", pid] }).output();
  assert.equal(await wrapper.exitCode, 162, wrapper.output);
});

for (const [signal, meaning] of Object.entries(SIGNALS)) {
  programTest(`${signal} during a handoff does the same: ${meaning.tag}`, async () => {
    await using workspace = new Workspace();
    const wrapper = await inHandoff(workspace);
    const both = childrenOf(wrapper.pid);
    wrapper.signal(signal as Signal);
    if (meaning.tag !== "stop" && meaning.tag !== "drain") {
      // The answer to the second one proves that the first had its effect, or none.
      await passOnQuit(workspace, wrapper);
      assert.deepEqual(childrenOf(wrapper.pid), both, wrapper.output);
      assert.equal(await workspace.get(), "one");
      wrapper.signal("SIGTERM");
    }
    const stopped = meaning.tag === "stop"
      ? constants.signals[meaning.signal]
      : constants.signals.SIGTERM;
    assert.equal(
      await wrapper.exitCode,
      meaning.tag === "drain" ? 0 : 128 + stopped,
      wrapper.output,
    );
    assert.deepEqual(childrenOf(wrapper.pid), []);
  });
}

programTest(
  "SIGUSR1 during a handoff waits 10 s at most for a new process that hangs",
  async () => {
    await using workspace = new Workspace();
    const wrapper = await inHandoff(workspace, STAND_INS.ignores_term);
    wrapper.signal("SIGUSR1");
    assert.equal(await wrapper.exitCode, 0, wrapper.output);
    assert.deepEqual(childrenOf(wrapper.pid), []);
  },
);

for (const [signal, meaning] of Object.entries(SIGNALS)) {
  programTest(`${signal} in the first moment, before HAProxy is up, does the same`, async () => {
    await using workspace = new Workspace();
    const wrapper = workspace.start();
    await waitFor("all listeners", () => catches(wrapper, LAST_SIGNAL));
    wrapper.signal(signal as Signal);
    if (meaning.tag === "stop") {
      assert.equal(await wrapper.exitCode, 128 + constants.signals[meaning.signal], wrapper.output);
    } else if (meaning.tag === "drain") {
      assert.equal(await wrapper.exitCode, 0, wrapper.output);
    } else {
      await workspace.serves("one", wrapper);
      if (meaning.tag === "reload") await wrapper.saysMatching(new RegExp(`serves.*by ${signal}`));
    }
  });
}

programTest("SIGTERM at any moment of the start leaves nothing behind", async () => {
  for (const delayMs of [0, 2, 5, 10, 20, 40, 60, 80, 100, 120]) {
    await using workspace = new Workspace();
    const wrapper = workspace.start();
    // The kernel drops what process 1 does not catch yet; any other process it ends.
    if (FORM === "process_1") {
      await waitFor("all listeners", () => catches(wrapper, LAST_SIGNAL));
    }
    await pause(delayMs);
    wrapper.signal("SIGTERM");
    assert.equal(await wrapper.exitCode, 143, wrapper.output);
    assert.deepEqual(workspace.haproxyPids(), []);
    assert.deepEqual(
      [...Deno.readDirSync(workspace.runtimeDirectory)].map(({ name }) => name),
      [],
      wrapper.output,
    );
  }
});

programTest(
  "HAProxy has a process group of its own, so that Ctrl-C reaches the wrapper alone",
  async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve({ launcher: ["setsid"] });
    using request = await workspace.openRequest();
    // As a terminal does it: to the whole group in the foreground.
    await new Deno.Command("kill", { args: ["-s", "USR1", "--", `-${wrapper.pid}`] }).output();
    await wrapper.saysMatching(/SIGUSR1 received/);
    const [pid] = workspace.haproxyPids();
    const [, group] = /\) \S \d+ (\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))!;
    assert.equal(Number(group), pid);
    await request.write(new TextEncoder().encode("\r\n"));
    assert.equal(await wrapper.exitCode, 0);
  },
);

/** Without a settle time no process is started ahead, so a second one means that a handoff runs. */
async function inHandoff(
  workspace: Workspace,
  standIn: string = STAND_INS.never_ready,
): Promise<Wrapper> {
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({ env: { HRW_SETTLE_TIME: "0s" } });
  await workspace.standIn(standIn);
  await workspace.replace(workspace.page("two"));
  await waitFor("the new process", () => childrenOf(wrapper.pid).length === 2);
  return wrapper;
}

/**
 * Sends SIGQUIT and waits until the serving process has it. HAProxy 3.3 and later answer it with nothing that can
 * be seen, but what is stopped keeps a signal pending until it goes on.
 */
async function passOnQuit(workspace: Workspace, wrapper: Wrapper): Promise<void> {
  const [serving] = workspace.haproxyPids();
  await freeze(serving!);
  wrapper.signal("SIGQUIT");
  await waitFor("SIGQUIT to be passed on", () => hasSignal("ShdPnd", serving!, "SIGQUIT"), {
    explain: () => wrapper.output,
  });
  Deno.kill(serving!, "SIGCONT");
}

/** The one that the program listens to last. */
const LAST_SIGNAL = Object.keys(SIGNALS).at(-1) as Signal;

function catches({ pid }: Wrapper, signal: Signal): boolean {
  return hasSignal("SigCgt", pid, signal);
}

/** Whether a signal is in one of the sets that the kernel shows of a process. */
function hasSignal(set: "SigCgt" | "ShdPnd", pid: number, signal: Signal): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, mask] = new RegExp(`^${set}:\\s*(\\w+)`, "m").exec(status)!;
  return (BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1) & 1n) === 1n;
}
