/** What is sent to NOTIFY_SOCKET arrives, in order, also at a manager that is busy. */
import assert from "node:assert/strict";
import { openLibc } from "../../../lib/system/libc.ts";
import type { LogEntry } from "../../../lib/system/log.ts";
import { openNotifySocket } from "../../../lib/system/notify_socket.ts";
import { testNeeding } from "../../support/needs.ts";
import {
  abstractDatagrams,
  DATAGRAMS,
  ServiceManager,
} from "../../support/surroundings/service_manager.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { waitFor } from "../../support/wait.ts";

/** What the kernel keeps until it is read. Deno reads it only as long as it has every permission. */
const QUEUED = Number(Deno.readTextFileSync("/proc/sys/net/unix/max_dgram_qlen")) + 1;

const libc = await openLibc();

function open(name: string) {
  const log: LogEntry[] = [];
  return { log, socket: openNotifySocket({ name, libc, log: (entry) => log.push(entry) }) };
}

testNeeding([DATAGRAMS], "a message arrives at a path", async () => {
  await using folder = new TempFolder();
  const manager = new ServiceManager(folder.at("notify"));
  const reading = manager.read();
  const { socket, log } = open(manager.name);
  socket.send("READY=1\nSTATUS=serves");
  await manager.isTold("READY=1");
  assert.deepEqual([manager.messages, log], [["READY=1\nSTATUS=serves"], []]);
  socket.close();
  manager.close();
  await reading;
});

testNeeding([abstractDatagrams()], "a message arrives at an abstract socket", async () => {
  const manager = new ServiceManager(`@hrw-test-${crypto.randomUUID()}`);
  const reading = manager.read();
  const { socket } = open(manager.name);
  socket.send("READY=1");
  await manager.isTold("READY=1");
  socket.close();
  manager.close();
  await reading;
});

testNeeding([DATAGRAMS], "a busy manager gets all messages in order once it reads", async () => {
  await using folder = new TempFolder();
  const manager = new ServiceManager(folder.at("notify"));
  const { socket, log } = open(manager.name);
  const wanted = Array.from({ length: QUEUED + 15 }, (_, index) => `STATUS=${index}`);
  wanted.forEach((message) => socket.send(message));
  const reading = manager.read();
  await waitFor("all messages", () => manager.messages.length === wanted.length);
  assert.deepEqual([manager.messages, log], [wanted, []]);
  socket.close();
  manager.close();
  await reading;
});

testNeeding(
  [DATAGRAMS],
  "a manager that is not there is warned of once, and told when it is",
  async () => {
    await using folder = new TempFolder();
    const { socket, log } = open(folder.at("notify"));
    socket.send("READY=1");
    await waitFor("a warning", () => log.length > 0);
    assert.match(log[0]!.text, /notify" \(NOTIFY_SOCKET\) takes no message; retry every 5 s$/);
    const manager = new ServiceManager(folder.at("notify"));
    const reading = manager.read();
    // The last try.
    socket.close();
    await manager.isTold("READY=1");
    assert.equal(log.length, 1);
    manager.close();
    await reading;
  },
);

testNeeding(
  [DATAGRAMS],
  "a manager that is away for long misses no more than what is outdated",
  async () => {
    await using folder = new TempFolder();
    const { socket } = open(folder.at("notify"));
    socket.send("READY=1\nSTATUS=generation 1 serves");
    for (let index = 1; index <= 40; index++) socket.send(`STATUS=${index}`);
    socket.send("RELOADING=1\nMONOTONIC_USEC=1");
    for (let index = 1; index <= 40; index++) socket.send(`STATUS=again ${index}`);
    const manager = new ServiceManager(folder.at("notify"));
    const reading = manager.read();
    socket.close();
    await manager.isTold("READY=1", "RELOADING=1", "MONOTONIC_USEC");
    await manager.hasStatus(/^again 40$/);
    manager.close();
    await reading;
  },
);

for (
  const name of ["notify", "vsock:2:1234", "@", `/${"x".repeat(107)}`, `@${"x".repeat(108)}`]
) {
  Deno.test(`"${name.slice(0, 12)}" of ${name.length} bytes is refused, and nothing breaks`, () => {
    const { socket, log } = open(name);
    assert.match(log[0]!.text, /neither an absolute path nor "@" and a name/);
    socket.send("READY=1");
    socket.close();
    assert.equal(log.length, 1);
  });
}

Deno.test("without a C library a warning says that nothing is sent", () => {
  const log: LogEntry[] = [];
  const name = "/run/systemd/notify";
  const socket = openNotifySocket({ name, libc: null, log: (entry) => log.push(entry) });
  socket.send("READY=1");
  assert.match(log[0]!.text, /no C library was found where one is expected; it is told nothing$/);
});
