import assert from "node:assert/strict";
import { alertsOf, placesOf } from "../../../../lib/haproxy/failure/alerts.ts";

/** As HAProxy 2.6 writes it. */
const OUTPUT = `[NOTICE]   (5102) : haproxy version is 2.6.12-1+deb12u4
[WARNING]  (5102) : config : missing timeouts for frontend 'a'.
   | While not properly invalid, you will certainly encounter various problems
[ALERT]    (5102) : config : parsing [/etc/a.cfg:2] : unknown keyword 'foo' in 'global' section
   | did you mean "maxconn"?
[ALERT]    (5102) : config : parsing [/etc/a.cfg:8] : unknown fetch method 'bad'.
[ALERT]    (5102) : config : Error(s) found in configuration file : /etc/a.cfg
[ALERT]    (5102) : config : Fatal errors found in configuration.
`;

Deno.test("alerts keep their continuation lines; warnings and summaries are left out", () => {
  assert.deepEqual(alertsOf(OUTPUT), [
    "[ALERT]    (5102) : config : parsing [/etc/a.cfg:2] : unknown keyword '***' in 'global' section",
    '   | did you mean "maxconn"?',
    "[ALERT]    (5102) : config : parsing [/etc/a.cfg:8] : unknown fetch method '***'.",
  ]);
});

Deno.test("the first twenty alerts are kept, each cut to 500 characters", () => {
  const line = (number: number) => `[ALERT]    (${number}) : ${"unknown keyword ".repeat(200)}`;
  const alerts = alertsOf(Array.from({ length: 30 }, (_, number) => line(number)).join("\n"));
  assert.deepEqual(alerts, Array.from({ length: 20 }, (_, number) => line(number).slice(0, 500)));
});

Deno.test("a value that is cut and a line that HAProxy repeats are masked", () => {
  const repeated =
    `[ALERT]    (12) : config : parsing [/etc/a.cfg:8]: unmatched quote at position 43:
  http-request set-header Authorization "Basic hunter2
                                        ^
[ALERT]    (12) : config : parsing [/etc/a.cfg:9] : unexpected '${"hunter2 ".repeat(400)}'`;
  assert.deepEqual(alertsOf(repeated), [
    "[ALERT]    (12) : config : parsing [/etc/a.cfg:8]: unmatched quote at position 43:",
    "[ALERT]    (12) : config : parsing [/etc/a.cfg:9] : unexpected ***",
  ]);
});

Deno.test("each place in alerts is listed once", () => {
  const alerts = [
    ...alertsOf(OUTPUT),
    "[ALERT] (1) : Binding [/etc/b.cfg:4] for frontend a: cannot bind socket for [127.0.0.1:80]",
    "[ALERT] (1) : again [/etc/a.cfg:8] and [::1]:443",
  ];
  assert.deepEqual(placesOf(alerts), [
    { path: "/etc/a.cfg", line: 2 },
    { path: "/etc/a.cfg", line: 8 },
    { path: "/etc/b.cfg", line: 4 },
  ]);
});
