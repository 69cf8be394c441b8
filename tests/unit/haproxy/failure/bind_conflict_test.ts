import assert from "node:assert/strict";
import { conflictOf } from "../../../../lib/haproxy/failure/bind_conflict.ts";

const LISTENERS = [
  { frontend: "page", port: 80 },
  { frontend: "both", port: 81 },
  { frontend: "both", port: null },
  { frontend: "lb1", port: 84 },
  { frontend: "GLOBAL", port: 85 },
];
const PAUSABLE = ["page", "both"];

const alert = (address: string) =>
  `[ALERT]    (12) : Binding [/etc/haproxy.cfg:9] for frontend page: cannot bind socket (Address already in use) for [${address}]`;
const NEWER =
  "[ALERT]    (12) : Binding [/etc/haproxy.cfg:9] for frontend page: protocol tcpv6: cannot bind socket (Address already in use) for [:::80].";
const SUMMARY =
  "[ALERT]    (12) : [haproxy.main()] Some protocols failed to start their listeners! Exiting.";
const OTHER = "[ALERT]    (12) : [haproxy.main()] Cannot chroot(/nowhere).";

const conflict = (...alerts: string[]) => conflictOf(alerts, LISTENERS, PAUSABLE);

for (const words of [alert("0.0.0.0:80"), NEWER]) {
  Deno.test(`the serving process holds the port of "${words.slice(-40)}"`, () => {
    const address = words === NEWER ? ":::80" : "0.0.0.0:80";
    const expected = { addresses: [address], frontends: ["page"], obstacle: null };
    assert.deepEqual(conflict(words, words, SUMMARY), expected);
  });
}

Deno.test("a port of another program, or another error, is not a conflict with ourselves", () => {
  assert.equal(conflict(alert("0.0.0.0:82"), SUMMARY), null);
  assert.equal(conflict(alert("0.0.0.0:8"), SUMMARY), null);
  assert.equal(conflict(OTHER), null);
});

Deno.test("no frontend is paused if there is another problem or a unix socket could be lost", () => {
  const notAll = "the port is not the only problem";
  assert.equal(conflict(alert("0.0.0.0:80"), OTHER)?.obstacle, notAll);
  assert.equal(conflict(alert("0.0.0.0:80"), alert("0.0.0.0:83"))?.obstacle, notAll);
  assert.match(conflict(alert("0.0.0.0:81"))!.obstacle!, /"both" has a unix socket as well/);
});

Deno.test("a peers section and the stats sockets cannot be paused", () => {
  const peers = 'HAProxy cannot pause "lb1", which is no frontend';
  assert.equal(conflict(alert("0.0.0.0:84"), SUMMARY)?.obstacle, peers);
  assert.equal(conflict(alert("0.0.0.0:80"), alert("0.0.0.0:84"))?.obstacle, peers);
  const stats = "HAProxy cannot pause stats sockets";
  assert.equal(conflict(alert("0.0.0.0:85"))?.obstacle, stats);
});
