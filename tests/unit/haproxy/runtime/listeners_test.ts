import assert from "node:assert/strict";
import {
  parseListeners,
  showFrontends,
  showListeners,
  switchFrontends,
} from "../../../../lib/haproxy/runtime/listeners.ts";
import { ScriptedHaproxy } from "../../../support/haproxy/scripted_haproxy.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

/** As HAProxy 2.6 and 3.4 write it. */
const SHOWN = `
      4 : st=0x100023(cl heopi W:sRa R:sRA) ref=0 gid=1 tmask=0x3 iocb=0x559566c2a470(sock_accept_iocb) l.st=RDY fe=page fam=ipv4 lport=80
      5 : st=0x100023(cl heopi W:sRa R:sRA) ref=0 gid=1 gen=0 tkov=0 iocb=0x55ea809d2540(sock_accept_iocb) l.st=FUL fe=both fam=ipv6 lport=81
      6 : st=0x100121(cl heopI W:sRa R:srA) ref=0 gid=1 tmask=0x3 iocb=0x559566c2a470(sock_accept_iocb) l.st=RDY fe=both fam=unix
      7 : st=0x100023(cl heopi W:sRa R:sRA) ref=0 gid=1 tmask=0x3 iocb=0x559566c2a470(sock_accept_iocb) l.st=PAU fe=paused fam=ipv4 lport=82
      9 : st=0x020023(cl heopi W:sRa R:sRA) ref=0 gid=1 owner=0x7fc4e58c6900 iocb=0x1(sock_conn_iocb) back=0 cflg=0x300 fe=page mux=H1
`;

const LISTENERS = [
  { frontend: "page", port: 80 },
  { frontend: "both", port: 81 },
  { frontend: "both", port: null },
];

Deno.test("listeners that are not paused are shown with their ports", () => {
  assert.deepEqual(parseListeners(SHOWN), LISTENERS);
  assert.deepEqual(parseListeners("Unknown command\n"), []);
});

Deno.test("HAProxy 2.6, which shows only one descriptor, is asked for all of them", async () => {
  await using folder = new TempFolder();
  const socket = folder.at("socket");
  await using haproxy = new ScriptedHaproxy(
    socket,
    (command) => command === "show fd" ? SHOWN : "      0 : st=0x1\n",
  );
  assert.deepEqual(await showListeners(socket), LISTENERS);
  assert.deepEqual(haproxy.commands, ["show fd l", "show fd"]);
  assert.deepEqual(await showListeners(folder.at("nobody")), []);
});

Deno.test("frontends are switched by one command each, and any output is a failure", async () => {
  await using folder = new TempFolder();
  const socket = folder.at("socket");
  const answers = ["\n\n", "All sockets are already enabled.\n\n", "No such frontend.\n"];
  await using haproxy = new ScriptedHaproxy(socket, () => answers.shift()!);
  assert.equal(await switchFrontends(socket, "disable", ["a", "b c"]), true);
  assert.equal(await switchFrontends(socket, "enable", ["a"]), true);
  assert.equal(await switchFrontends(socket, "enable", ["x"]), false);
  assert.equal(await switchFrontends(folder.at("nobody"), "enable", ["a"]), false);
  assert.equal(haproxy.commands[0], "disable frontend a;disable frontend b\\ c");
});

Deno.test("the frontends are those of which HAProxy shows statistics", async () => {
  await using folder = new TempFolder();
  const socket = folder.at("socket");
  const answer = "# pxname,svname,qcur,\npage,FRONTEND,,\nboth,FRONTEND,,\n\n";
  await using haproxy = new ScriptedHaproxy(socket, () => answer);
  assert.deepEqual(await showFrontends(socket), ["page", "both"]);
  assert.deepEqual(haproxy.commands, ["show stat -1 1 -1"]);
  assert.deepEqual(await showFrontends(folder.at("nobody")), []);
});
