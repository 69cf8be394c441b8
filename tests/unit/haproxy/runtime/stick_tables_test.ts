import assert from "node:assert/strict";
import {
  canPassTables,
  parseResync,
  untilTablesPass,
} from "../../../../lib/haproxy/runtime/stick_tables.ts";
import { ScriptedHaproxy } from "../../../support/haproxy/scripted_haproxy.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

/** As HAProxy 2.6.12 writes it; some lines are longer in 3.0. */
function section(flags: string, { local = "local", table = true, disabled = 0 } = {}): string {
  const tables = `        shared tables:
          0x5641 local_id=1 remote_id=0 flags=0x0 remote_data=0x0
              last_acked=0 last_pushed=0 last_get=0 teaching_origin=0 update=0
              table:0x5642 id=t update=0 localupdate=0 commitupdate=0 refcnt=1
`;
  return `0x55e3: [25/Nov/2026:02:26:29] id=mine disabled=${disabled} flags=${flags} resync_timeout=4s task_calls=4
  0x55e4: id=me(${local},inactive) addr=127.0.0.1:19011 last_status=NONE last_hdshk=<NEVER>
        reconnect=<NEVER> heartbeat=<NEVER> confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=0 proto_err=0 coll=0
        flags=0x0
${table ? tables : ""}
`;
}

const ANSWERS: Readonly<Record<string, readonly [answer: string, passes: boolean]>> = {
  "no section": ["\n", true],
  "an unknown command": ["Unknown command: 'show peers'\n", true],
  "2.6 before its resync is over": [section("0x11"), false],
  "2.6 after it": [section("0x33"), true],
  "3.0 with other peers": [section("0x100001"), false],
  "3.0 with none": [section("0x300003"), true],
  "one that still asks its predecessor": [section("0x0"), false],
  "no table": [section("0x11", { table: false }), true],
  "no local peer": [section("0x11", { local: "remote" }), true],
  "a section that is switched off": [section("0x11", { disabled: 1 }), true],
  "one of two": [section("0x33") + section("0x11"), false],
  "two": [section("0x33") + section("0x33"), true],
};

for (const [what, [answer, passes]] of Object.entries(ANSWERS)) {
  Deno.test(`tables ${passes ? "pass" : "do not pass yet"}: ${what}`, () => {
    assert.equal(parseResync(answer), passes);
  });
}

Deno.test("the process is asked until it can pass its tables", async () => {
  await using folder = new TempFolder();
  const answers = [section("0x11"), section("0x11"), section("0x33")];
  await using haproxy = new ScriptedHaproxy(folder.at("socket"), () => answers.shift()!);
  assert.equal(await canPassTables(folder.at("socket")), false);
  await untilTablesPass(folder.at("socket"), 10_000);
  assert.deepEqual(haproxy.commands, ["show peers", "show peers", "show peers"]);
});

Deno.test("a process that never can pass its tables is asked until the limit", async () => {
  await using folder = new TempFolder();
  await using haproxy = new ScriptedHaproxy(folder.at("socket"), () => section("0x11"));
  await untilTablesPass(folder.at("socket"), 250);
  assert.ok(haproxy.commands.length <= 2, `${haproxy.commands.length}`);
});

Deno.test("a process that is gone or silent delays nothing", async () => {
  await using folder = new TempFolder();
  assert.equal(await canPassTables(folder.at("nobody")), true);
  await untilTablesPass(folder.at("nobody"), 10_000);
  using _silent = Deno.listen({ transport: "unix", path: folder.at("silent") });
  assert.equal(await canPassTables(folder.at("silent")), true);
});
