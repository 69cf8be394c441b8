import assert from "node:assert/strict";
import { parseInstance } from "../../../../lib/haproxy/runtime/instance.ts";

/** The answer of HAProxy 3.0 to `show info;show cli sockets`, shortened. */
function answer({ listeners, sockets }: { listeners: number; sockets: readonly string[] }): string {
  return [
    "Name: HAProxy",
    "Version: 3.0.5",
    "Nbproc: 1",
    "Process_num: 1",
    "Pid: 4711",
    "Uptime: 0d 0h00m00s",
    `Listeners: ${listeners}`,
    "ConnRate: 0",
    "",
    "# socket lvl processes",
    ...sockets.map((socket) => `${socket} operator all`),
    "",
    "",
  ].join("\n");
}

Deno.test("stats sockets do not count as user listeners", () => {
  const sockets = ["unix@/run/1.sock", "ipv4@127.0.0.1:9999"];
  assert.deepEqual(parseInstance(answer({ listeners: 5, sockets })), {
    pid: 4711,
    userListeners: 3,
    version: "3.0.5",
  });
});

Deno.test("a process with only a stats socket has no user listener", () => {
  const parsed = parseInstance(answer({ listeners: 1, sockets: ["unix@/run/1.sock"] }));
  assert.equal(parsed?.userListeners, 0);
});

Deno.test("all listeners count if no stats sockets are listed", () => {
  const [info] = answer({ listeners: 2, sockets: [] }).split("\n\n");
  assert.deepEqual(parseInstance(info!), {
    pid: 4711,
    userListeners: 2,
    version: "3.0.5",
  });
});

const NO_INSTANCES: Readonly<Record<string, string>> = {
  "an empty answer": "",
  "another program's answer": "HTTP/1.1 400 Bad Request\n",
  "an answer without a pid": "Listeners: 3\n",
  "an answer without listeners": "Pid: 3\n",
  "a pid within a line": "My Pid: 3\nListeners: 3\n",
  "a pid that is not a number": "Pid: x\nListeners: 3\n",
};

for (const [what, text] of Object.entries(NO_INSTANCES)) {
  Deno.test(`${what} describes no instance`, () => {
    assert.equal(parseInstance(text), null);
  });
}
