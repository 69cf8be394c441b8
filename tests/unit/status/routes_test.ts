import assert from "node:assert/strict";
import type { ReloadAnswer } from "../../../lib/status/reload_endpoint.ts";
import { route, type Views } from "../../../lib/status/routes.ts";

const VIEWS: Views = {
  health: () => ({ isOk: true }),
  readiness: () => ({ isOk: false, reason: "generation 1 is not ready yet" }),
  metrics: () => Promise.resolve("a 1\n"),
  report: () => ({ state: "serving" }),
  page: () => "<!doctype html>",
  reload: null,
};

async function ask(
  path: string,
  { method = "GET", headers = {}, views = VIEWS, names = [] }: {
    method?: string;
    headers?: Record<string, string>;
    views?: Views;
    names?: readonly string[] | null;
  } = {},
) {
  const request = { method, path, headers: new Map(Object.entries(headers)) };
  return await route(request, views, { names, gone: new AbortController().signal });
}

const PAGES = {
  "/": [200, "text/html; charset=utf-8", "<!doctype html>"],
  "/healthz": [200, "text/plain; charset=utf-8", "ok\n"],
  "/readyz": [503, "text/plain; charset=utf-8", "generation 1 is not ready yet\n"],
  "/metrics": [200, "text/plain; version=0.0.4; charset=utf-8", "a 1\n"],
  "/status": [200, "application/json", '{\n  "state": "serving"\n}\n'],
} as const;

for (const [path, [status, contentType, body]] of Object.entries(PAGES)) {
  Deno.test(`${path} can only be read`, async () => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await ask(path, { method });
      assert.deepEqual([answer.status, answer.contentType, answer.body], [
        status,
        contentType,
        body,
      ]);
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "get"]) {
      const answer = await ask(path, { method });
      assert.deepEqual([answer.status, answer.headers?.allow], [405, "GET, HEAD"]);
    }
  });
}

Deno.test("the page may load and run nothing", async () => {
  const { headers } = await ask("/");
  assert.match(headers?.["content-security-policy"] ?? "", /^default-src 'none'; style-src/);
});

for (const path of ["/elsewhere", "/healthz/", "/toString", "/__proto__", ""]) {
  Deno.test(`"${path}" is not a page`, async () => assert.equal((await ask(path)).status, 404));
}

function reloading(answer: ReloadAnswer) {
  let count = 0;
  const reload = () => {
    count++;
    return Promise.resolve(answer);
  };
  return { views: { ...VIEWS, reload }, count: () => count };
}

const POST = { method: "POST" } as const;
const SUCCESS = { isTried: true, isOk: true, report: { result: "success" } };

for (
  const [status, answer] of [
    [200, SUCCESS],
    [500, { ...SUCCESS, isOk: false }],
    [503, { ...SUCCESS, isOk: false, isTried: false }],
  ] as const
) {
  Deno.test(`a reload answers ${status} with its outcome`, async () => {
    const { views, count } = reloading(answer);
    const response = await ask("/reload", { ...POST, views });
    assert.equal(response.status, status);
    assert.deepEqual(JSON.parse(response.body), answer.report);
    assert.equal(count(), 1);
  });
}

Deno.test("a reload is a POST, must be switched on, and cannot come from another site", async () => {
  const { views, count } = reloading(SUCCESS);
  assert.equal((await ask("/reload", { views })).status, 405);
  assert.equal((await ask("/reload", POST)).status, 403);
  const from = (origin: string) => ({
    ...POST,
    views,
    headers: { origin, host: "localhost:9101" },
  });
  assert.equal((await ask("/reload", from("http://evil.test"))).status, 403);
  assert.equal((await ask("/reload", from("null"))).status, 403);
  assert.equal(count(), 0);
  assert.equal((await ask("/reload", from("http://localhost:9101"))).status, 200);
  assert.equal(count(), 1);
});

const REBOUND = { host: "evil.test", origin: "http://evil.test" };

Deno.test("a page whose name resolves to this address reads only what is always answered, and reloads nothing", async () => {
  const { views, count } = reloading(SUCCESS);
  const statusOf = async (path: string, method = "GET") =>
    (await ask(path, { method, views, headers: REBOUND })).status;
  assert.equal(await statusOf("/"), 421);
  assert.equal(await statusOf("/status"), 421);
  assert.equal(await statusOf("/reload", "POST"), 421);
  assert.equal(await statusOf("/elsewhere"), 421);
  assert.equal(await statusOf("/healthz"), 200);
  assert.equal(await statusOf("/readyz"), 503);
  assert.equal(await statusOf("/metrics"), 200);
  assert.equal(count(), 0);
});

Deno.test("a listed name may ask, and over a unix socket any name", async () => {
  assert.equal((await ask("/status", { headers: REBOUND, names: ["evil.test"] })).status, 200);
  assert.equal((await ask("/status", { headers: { host: "evil.test" }, names: null })).status, 200);
});
