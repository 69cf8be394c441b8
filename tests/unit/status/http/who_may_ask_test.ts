import assert from "node:assert/strict";
import { refusalOf } from "../../../../lib/status/http/who_may_ask.ts";

const NAMES = ["lb.example", "Status.Internal."];

function refusal(headers: Readonly<Record<string, string>>, method = "GET"): number | null {
  const request = { method, path: "/", headers: new Map(Object.entries(headers)) };
  return refusalOf(request, NAMES)?.status ?? null;
}

for (
  const host of [
    ...["127.0.0.1", "127.0.0.1:9101", "10.0.0.7:1", "0.0.0.0", "127.0.0.1.", "127.0.0.1:"],
    ...["[::1]", "[::1]:9101", "[FE80::1]", "[fe80::1%eth0]:9101", "[::ffff:10.0.0.7]"],
    ...["localhost", "LocalHost:9101", "localhost.", "localhost.:80"],
    ...["lb.example", "LB.example:9101", "lb.example.", "status.internal"],
  ]
) {
  Deno.test(`the host "${host}" can only be our own`, () => {
    assert.equal(refusal({ host }), null);
  });
}

for (
  const host of [
    ...["evil.example", "evil.example:9101", "", ":9101", ".", "..", "localhost..", "[]", "[", "]"],
    ...["127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil.example@127.0.0.1", "1.2.3"],
    ...["0x7f.1", "2130706433", "0x7f000001", "127.1", "localhost.evil.example", "a.localhost"],
    ...["evil.example#127.0.0.1", "127.0.0.1, evil.example", "127.0.0.1 ", "127.0.0.1:80:80"],
    ...["x.lb.example", "lb.example.evil.example", "[evil.example]", "[::1]evil.example"],
    ...["[::1", "::1", "lb\u0130.example", "1.2.3.4/evil.example", "evil.example?1.2.3.4"],
  ]
) {
  Deno.test(`the host "${host}" may be another's`, () => assert.equal(refusal({ host }), 421));
}

Deno.test("no browser leaves out the host", () => assert.equal(refusal({}), null));

const host = "localhost:9101";
const LINK = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

for (
  const [page, headers, status] of [
    ["its own page", { "sec-fetch-site": "same-origin", "origin": `http://${host}` }, null],
    ["its user, who types the address", { "sec-fetch-site": "none", ...LINK }, null],
    ["another site's page", { "sec-fetch-site": "cross-site" }, 403],
    ["a page at another port", { "sec-fetch-site": "same-site" }, 403],
    ["two sites", { "sec-fetch-site": "same-origin, cross-site" }, 403],
    ["another origin", { "origin": "http://evil.example" }, 403],
    ["another port", { "origin": "http://localhost:3000" }, 403],
    ["a page that hides where it is from", { "origin": "null" }, 403],
    ["a frame", { ...LINK, "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe" }, 403],
  ] as const
) {
  Deno.test(`${page} ${status === null ? "may ask" : "may not ask"}`, () => {
    assert.equal(refusal({ host, ...headers }), status);
    assert.equal(refusal({ host, ...headers }, "POST"), status);
  });
}

Deno.test("a link on another site's page shows the status, and reloads nothing", () => {
  const headers = { host, ...LINK, "sec-fetch-site": "cross-site" };
  assert.equal(refusal(headers), null);
  assert.equal(refusal(headers, "POST"), 403);
});
