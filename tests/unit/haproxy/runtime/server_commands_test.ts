import assert from "node:assert/strict";
import {
  addServer,
  deleteServer,
  setAddress,
  setWeight,
  showServers,
} from "../../../../lib/haproxy/runtime/server_commands.ts";

/** Of HAProxy 3.4.7, with a server that a command has enabled, one in maintenance, one that drains, and one found dead. */
const STATES = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port
3 app 1 s1 10.0.0.1 2 4 10 1 80
3 app 2 s2 ::1 0 5 1 1 81
3 app 3 s3 10.0.0.3 2 8 1 1 82
3 app 4 s4 10.0.0.4 0 0 0 0 83

`;
const STATS = `# pxname,svname,slim,
app,s1,5,
app,s2,,
app,s3,,
app,s4,,

`;

function asked(answers: Readonly<Record<string, string | null>>) {
  return (command: string) => Promise.resolve(answers[command] ?? null);
}

Deno.test("what a process shows of its servers is read", async () => {
  const ask = asked({ "show servers state app": STATES, "show stat 3 4 -1": STATS });
  const up = { isInMaintenance: false, isDraining: false, isDown: false, maxconn: 0, weight: 1 };
  assert.deepEqual(
    await showServers(ask, "app"),
    new Map([
      ["s1", { ...up, ip: "10.0.0.1", port: 80, weight: 10, maxconn: 5 }],
      ["s2", { ...up, ip: "::1", port: 81, isInMaintenance: true }],
      ["s3", { ...up, ip: "10.0.0.3", port: 82, isDraining: true }],
      ["s4", { ...up, ip: "10.0.0.4", port: 83, weight: 0, isDown: true }],
    ]),
  );
});

Deno.test("a backend may have no server", async () => {
  const ask = asked({ "show servers state app": STATES.split("\n").slice(0, 2).join("\n") });
  assert.deepEqual(await showServers(ask, "app"), new Map());
});

for (
  const [what, states, stats] of [
    ["no such backend", "Can't find backend.\n", STATS],
    ["no answer", null, STATS],
    ["no second answer", STATES, null],
    ["a server that came in between", STATES, STATS.replace("app,s4,,\n", "")],
  ] as const
) {
  Deno.test(`nothing is known with ${what}`, async () => {
    const ask = asked({ "show servers state app": states, "show stat 3 4 -1": stats });
    assert.equal(await showServers(ask, "app"), null);
  });
}

Deno.test("an address of version 6 is bracketed where a port follows", () => {
  const added = { address: { ip: "::1", port: 80 }, words: ["check", "weight", "5"] };
  assert.equal(addServer("b/s", added).command, "add server b/s [::1]:80 check weight 5");
  assert.equal(setAddress("b/s", added.address).command, "set server b/s addr ::1 port 80");
});

/** Of HAProxy 2.6 to 3.4. */
const ANSWERS = [
  [setWeight("b/s", 1), "\n", "No such server.\n"],
  [setAddress("b/s", { ip: "::1", port: 1 }), "nothing changed\n", "Invalid addr format.\n"],
  [
    setAddress("b/s", { ip: "::1", port: 1 }),
    "IP changed from '::2' to '::1', port changed from '1' to '2' by 'stats socket command'\n",
    "",
  ],
  [
    setAddress("b/s", { ip: "::1", port: 1 }),
    "no need to change the addr, no need to change the port by 'stats socket command'\n",
    "No such server.\n",
  ],
  [
    addServer("b/s", { address: { ip: "::1", port: 1 }, words: [] }),
    "New server registered.\n",
    "'cookie' option is not accepted for dynamic server\n",
  ],
  [deleteServer("b/s"), "Server deleted.\n", "Server still has connections attached to it"],
] as const;

for (const [{ command, accepts }, success, failure] of ANSWERS) {
  Deno.test(`to "${command}" the answer "${success.trim()}" is success alone`, () => {
    assert.match(success, accepts);
    assert.doesNotMatch(failure, accepts);
  });
}
