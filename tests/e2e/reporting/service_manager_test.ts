/** What systemd and podman are told through NOTIFY_SOCKET, by a real socket. */
import assert from "node:assert/strict";
import { testNeeding } from "../../support/needs.ts";
import { NOT_AS_PROCESS_1, RUNNABLE } from "../../support/wrapper/program.ts";
import {
  abstractDatagrams,
  DATAGRAMS,
  monotonicMicroseconds,
  ServiceManager,
} from "../../support/surroundings/service_manager.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

const READY = "READY=1";
const RELOAD = ["RELOADING=1", "MONOTONIC_USEC"] as const;

testNeeding(
  [RUNNABLE, DATAGRAMS],
  "systemd is told of the start, of reloads and of the end",
  async () => {
    await using workspace = new Workspace();
    const manager = new ServiceManager(workspace.at("notify"));
    const reading = manager.read();
    const env = { NOTIFY_SOCKET: manager.name, HRW_DRAIN_DELAY: "200ms" };
    const wrapper = await workspace.serve({ env });
    await manager.isTold(READY);
    assert.equal(await workspace.get(), "one");
    await manager.hasStatus(/^generation 1 serves$/);

    const orderedMicroseconds = monotonicMicroseconds();
    wrapper.signal("SIGHUP");
    await manager.isTold(READY, ...RELOAD, READY);
    const [, , told] = manager.assignments;
    const microseconds = Number(told!.split("=")[1]);
    assert.ok(microseconds >= orderedMicroseconds, `${microseconds} < ${orderedMicroseconds}`);
    assert.ok(microseconds <= monotonicMicroseconds() + 10_000);
    await manager.hasStatus(/^generation 2 serves$/);

    await workspace.replace("nonsense\n");
    await manager.isTold(READY, ...RELOAD, READY, ...RELOAD, READY);
    await manager.hasStatus(/^generation 2 serves; what is on disk was rejected: see the log$/);

    wrapper.signal("SIGUSR1");
    await manager.hasStatus(/^leaving: /);
    await wrapper.endsWith(0);
    await manager.isTold(READY, ...RELOAD, READY, ...RELOAD, READY, "STOPPING=1");
    manager.close();
    await reading;
  },
);

testNeeding(
  [RUNNABLE, NOT_AS_PROCESS_1, DATAGRAMS],
  "HAProxy does not inherit the socket",
  async () => {
    await using workspace = new Workspace();
    using manager = new ServiceManager(workspace.at("notify"));
    await workspace.serve({ env: { NOTIFY_SOCKET: manager.name, INHERITED: "yes" } });
    for (const pid of workspace.haproxyPids().filter((pid) => isHaproxy(pid))) {
      const environment = Deno.readTextFileSync(`/proc/${pid}/environ`);
      assert.match(environment, /(?:^|\0)INHERITED=yes\0/);
      assert.doesNotMatch(environment, /NOTIFY_SOCKET/);
    }
  },
);

testNeeding(
  [RUNNABLE, NOT_AS_PROCESS_1, abstractDatagrams()],
  "an abstract socket is told the same",
  async () => {
    await using workspace = new Workspace();
    const manager = new ServiceManager(`@hrw-test-${crypto.randomUUID()}`);
    const reading = manager.read();
    await workspace.serve({ env: { NOTIFY_SOCKET: manager.name } });
    await manager.isTold(READY);
    manager.close();
    await reading;
  },
);

testNeeding([RUNNABLE, DATAGRAMS], "a first start that fails is never ready", async () => {
  await using workspace = new Workspace();
  const manager = new ServiceManager(workspace.at("notify"));
  const reading = manager.read();
  await workspace.replace("nonsense\n");
  const wrapper = workspace.start({ env: { NOTIFY_SOCKET: manager.name } });
  await wrapper.endsWith(1);
  await manager.isTold("STOPPING=1");
  await manager.hasStatus(/^stopping: the wrapper exits with 1$/);
  manager.close();
  await reading;
});

testNeeding(
  [RUNNABLE, DATAGRAMS],
  "a manager that is gone costs a warning and nothing else",
  async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve({ env: { NOTIFY_SOCKET: workspace.at("nobody") } });
    await wrapper.says(/the service manager at ".*nobody" .* takes no message/);
    await workspace.changeTo("two", wrapper);
    wrapper.signal("SIGTERM");
    await wrapper.endsWith(143);
  },
);

const isHaproxy = (pid: number) => Deno.readTextFileSync(`/proc/${pid}/comm`).trim() === "haproxy";
