import assert from "node:assert/strict";
import { conflictOf } from "../../../../lib/haproxy/failure/bind_conflict.ts";
import { parseListeners } from "../../../../lib/haproxy/runtime/listeners.ts";

/** As HAProxy 2.6 and 3.4 write it. */
const SHOWN = `
      4 : st=0x100023(cl heopi W:sRa R:sRA) ref=0 gid=1 tmask=0x3 iocb=0x559566c2a470(sock_accept_iocb) l.st=RDY fe=page fam=ipv4 lport=80
      5 : st=0x100023(cl heopi W:sRa R:sRA) ref=0 gid=1 gen=0 tkov=0 iocb=0x55ea809d2540(sock_accept_iocb) l.st=FUL fe=both fam=ipv6 lport=81
      6 : st=0x100121(cl heopI W:sRa R:srA) ref=0 gid=1 tmask=0x3 iocb=0x559566c2a470(sock_accept_iocb) l.st=RDY fe=both fam=unix
      7 : st=0x100023(cl heopi W:sRa R:sRA) ref=0 gid=1 tmask=0x3 iocb=0x559566c2a470(sock_accept_iocb) l.st=PAU fe=paused fam=ipv4 lport=82
      9 : st=0x020023(cl heopi W:sRa R:sRA) ref=0 gid=1 owner=0x7fc4e58c6900 iocb=0x1(sock_conn_iocb) back=0 cflg=0x300 fe=page mux=H1
`;

const alert = (address: string) =>
  `[ALERT]    (12) : Binding [/etc/haproxy.cfg:9] for frontend page: cannot bind socket (Address already in use) for [${address}]`;
const NEWER =
  "[ALERT]    (12) : Binding [/etc/haproxy.cfg:9] for frontend page: protocol tcpv6: cannot bind socket (Address already in use) for [:::80].";
const SUMMARY =
  "[ALERT]    (12) : [haproxy.main()] Some protocols failed to start their listeners! Exiting.";
const OTHER = "[ALERT]    (12) : [haproxy.main()] Cannot chroot(/nowhere).";

const conflict = (...alerts: string[]) => conflictOf(alerts, parseListeners(SHOWN));

Deno.test("listeners hold a port unless they are paused or have none", () => {
  assert.deepEqual(parseListeners(SHOWN), [
    { frontend: "page", port: 80 },
    { frontend: "both", port: 81 },
    { frontend: "both", port: null },
  ]);
  assert.deepEqual(parseListeners("Unknown command\n"), []);
});

for (const words of [alert("0.0.0.0:80"), NEWER]) {
  Deno.test(`the serving process holds the port of "${words.slice(-40)}"`, () => {
    const address = words === NEWER ? ":::80" : "0.0.0.0:80";
    const expected = { addresses: [address], frontends: ["page"], obstacle: null };
    assert.deepEqual(conflict(words, words, SUMMARY), expected);
  });
}

Deno.test("a stranger's port, and what is wrong besides, is no conflict of our own", () => {
  assert.equal(conflict(alert("0.0.0.0:82"), SUMMARY), null);
  assert.equal(conflict(alert("0.0.0.0:8"), SUMMARY), null);
  assert.equal(conflict(OTHER), null);
});

Deno.test("nobody is paused where something else is wrong, or a unix socket could be lost", () => {
  const notAll = "it is not all that is wrong";
  assert.equal(conflict(alert("0.0.0.0:80"), OTHER)?.obstacle, notAll);
  assert.equal(conflict(alert("0.0.0.0:80"), alert("0.0.0.0:83"))?.obstacle, notAll);
  assert.match(conflict(alert("0.0.0.0:81"))!.obstacle!, /"both" has a unix socket as well/);
});
