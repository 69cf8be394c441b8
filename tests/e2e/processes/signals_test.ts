/** Every signal's one effect, and the exit status after it. */
import assert from "node:assert/strict";
import { constants } from "node:os";
import { SIGNALS } from "../../../lib/system/signals.ts";
import { FORM, programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { childrenOf, freeze } from "../../support/machine/processes.ts";
import { finish, Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

type Check = (workspace: Workspace, wrapper: Wrapper) => Promise<void>;
type Signal = keyof typeof SIGNALS;

const endsWith = (signal: Signal, exitCode: number): Check => async (workspace, wrapper) => {
  using _request = await workspace.openRequest();
  await wrapper.endsBy(signal, exitCode);
  assert.match(wrapper.output, new RegExp(`${signal} received: passed on to all HAProxy`));
};

const reloads = (signal: Signal): Check => async (workspace, wrapper) => {
  wrapper.signal(signal);
  await wrapper.says(`generation 2 serves.*by ${signal}, nothing changed`);
  assert.equal(await workspace.get(), "one");
};

/** It neither pauses nor reloads: the next reload is the first. */
const isIgnored = (signal: Signal): Check => async (workspace, wrapper) => {
  wrapper.signal(signal);
  assert.equal(await workspace.get(), "one");
  await reloads("SIGHUP")(workspace, wrapper);
  await wrapper.stopsAt(2);
};

const drains: Check = async (workspace, wrapper) => {
  using request = await workspace.openRequest();
  wrapper.signal("SIGUSR1");
  await wrapper.says(/SIGUSR1 received: HAProxy finishes its connections/);
  await waitFor("the listener to close", async () => await workspace.get() === null);
  assert.match(await finish(request), /one$/);
  await wrapper.endsWith(0);
};

const isPassedOn: Check = async (workspace, wrapper) => {
  await passOnQuit(workspace, wrapper);
  assert.equal(await workspace.get(), "one");
};

/** The effect of each signal in the program's table; a new one without an entry does not compile. */
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

programTest("SIGTERM also ends draining processes", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  using _request = await workspace.openRequest();
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 2 serves.*1 old process draining/);
  await wrapper.endsBy("SIGTERM", 143);
});

programTest("a second SIGTERM kills what ignores the first", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await freeze(workspace.haproxyPids()[0]!);
  wrapper.signal("SIGTERM");
  await wrapper.says(/SIGTERM received: passed on/);
  await wrapper.endsBy("SIGTERM", 143);
  assert.match(wrapper.output, /SIGTERM received again: killing all remaining processes/);
});

programTest("a Ctrl-C that arrives twice (terminal, deno task) counts once", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await freeze(workspace.haproxyPids()[0]!);
  wrapper.signal("SIGINT");
  await wrapper.says(/SIGINT received: passed on/);
  wrapper.signal("SIGINT");
  await wrapper.endsBy("SIGTERM", 130);
  assert.doesNotMatch(wrapper.output, /SIGINT received again/);
});

programTest("a process that ignores SIGTERM is killed after 5 s", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await freeze(workspace.haproxyPids()[0]!);
  await wrapper.endsBy("SIGINT", 130);
});

programTest("SIGTERM ends the last drain", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  using _request = await workspace.openRequest();
  wrapper.signal("SIGUSR1");
  await wrapper.says(/SIGUSR1 received/);
  await wrapper.endsBy("SIGTERM", 143);
});

for (const [signal, exitCode] of [["SIGSEGV", 139], ["SIGKILL", 137], ["SIGUSR1", 0]] as const) {
  programTest(`a serving process that ends by ${signal} ends all with ${exitCode}`, async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve();
    const [old] = workspace.haproxyPids();
    using _request = await workspace.openRequest();
    wrapper.signal("SIGHUP");
    await wrapper.says(/generation 2 serves.*1 old process draining/);
    const serving = workspace.haproxyPids().find((pid) => pid !== old);
    Deno.kill(serving!, signal);
    await wrapper.endsWith(exitCode);
    assert.match(wrapper.output, /error .*generation 2 .* while serving/);
  });
}

programTest("a serving process that dies of a real-time signal is noticed", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  const pid = String(workspace.haproxyPids()[0]!);
  await new Deno.Command("kill", { args: ["-s", "RTMIN", pid] }).output();
  await wrapper.endsWith(162);
});

for (const [signal, meaning] of Object.entries(SIGNALS)) {
  programTest(`${signal} during a handoff does the same: ${meaning.tag}`, async () => {
    await using workspace = new Workspace();
    const wrapper = await inHandoff(workspace);
    const both = childrenOf(wrapper.pid);
    wrapper.signal(signal as Signal);
    if (meaning.tag !== "stop" && meaning.tag !== "drain") {
      // The second signal's effect proves that the first has been handled.
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

programTest("SIGUSR1 during a handoff waits at most 10 s for a hanging process", async () => {
  await using workspace = new Workspace();
  const wrapper = await inHandoff(workspace, STAND_INS.ignores_term);
  await wrapper.endsBy("SIGUSR1", 0);
  assert.deepEqual(childrenOf(wrapper.pid), []);
});

for (const [signal, meaning] of Object.entries(SIGNALS)) {
  programTest(`${signal} before HAProxy is up does the same`, async () => {
    await using workspace = new Workspace();
    const wrapper = workspace.start();
    await waitFor("all listeners", () => catchesAll(wrapper));
    wrapper.signal(signal as Signal);
    if (meaning.tag === "stop") {
      assert.equal(await wrapper.exitCode, 128 + constants.signals[meaning.signal], wrapper.output);
    } else if (meaning.tag === "drain") {
      await wrapper.endsWith(0);
    } else {
      await workspace.serves("one", wrapper);
      if (meaning.tag === "reload") await wrapper.says(`serves.*by ${signal}`);
    }
  });
}

programTest("SIGTERM at any moment of the start leaves nothing", async () => {
  for (const delayMs of [0, 2, 5, 10, 20, 40, 60, 80, 100, 120]) {
    await using workspace = new Workspace();
    const wrapper = workspace.start();
    // The kernel drops signals that process 1 does not catch; other processes would end.
    if (FORM === "process_1") {
      await waitFor("all listeners", () => catchesAll(wrapper));
    }
    await pause(delayMs);
    await wrapper.endsBy("SIGTERM", 143);
  }
});

programTest("Ctrl-C reaches the wrapper alone: HAProxy has its own process group", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ launcher: ["setsid"] });
  using request = await workspace.openRequest();
  // As a terminal does: to the whole foreground group.
  await new Deno.Command("kill", { args: ["-s", "USR1", "--", `-${wrapper.pid}`] }).output();
  await wrapper.says(/SIGUSR1 received/);
  const [pid] = workspace.haproxyPids();
  const [, group] = /\) \S \d+ (\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))!;
  assert.equal(Number(group), pid);
  await request.write(new TextEncoder().encode("\r\n"));
  assert.equal(await wrapper.exitCode, 0);
});

/** Without a settle time there is no process on standby, so a second one means that a handoff is running. */
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
 * Sends SIGQUIT and waits until the serving process has it. HAProxy 3.3 and later do nothing visible about it, but
 * it stays pending while a process is stopped.
 */
async function passOnQuit(workspace: Workspace, wrapper: Wrapper): Promise<void> {
  const [serving] = workspace.haproxyPids();
  await freeze(serving!);
  wrapper.signal("SIGQUIT");
  await wrapper.until("SIGQUIT to be passed on", () => hasSignal("ShdPnd", serving!, "SIGQUIT"));
  Deno.kill(serving!, "SIGCONT");
}

/** The signal that the program listens to last. */
const LAST_SIGNAL = Object.keys(SIGNALS).at(-1) as Signal;

const catchesAll = ({ pid }: Wrapper) => hasSignal("SigCgt", pid, LAST_SIGNAL);

/** Whether a signal is in one of a process's signal sets. */
function hasSignal(set: "SigCgt" | "ShdPnd", pid: number, signal: Signal): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, mask] = new RegExp(`^${set}:\\s*(\\w+)`, "m").exec(status)!;
  return (BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1) & 1n) === 1n;
}
