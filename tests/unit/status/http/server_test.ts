import assert from "node:assert/strict";
import type { StatusAddress } from "../../../../lib/settings/status_address.ts";
import { HTTP_LIMITS, HttpServer } from "../../../../lib/status/http/server.ts";
import { pause, waitFor } from "../../../support/wait.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { freePort } from "../../../support/machine/free_port.ts";
import { bodyOf, Client, type Respond, Scene, statusOf, textResponse } from "./listening.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

const unixIn = (folder: TempFolder): StatusAddress => ({ tag: "unix", path: folder.at("socket") });

/** A response that is too large for the kernel to take at once, over a unix socket. */
const LARGE = "x".repeat(2_000_000);

const respondLargely = ({ path }: { readonly path: string }) =>
  Promise.resolve(textResponse(path === "/large" ? LARGE : path));

Deno.test("a request gets its answer over IPv4, IPv6 and a unix socket, and then the connection is closed", async () => {
  await using folder = new TempFolder();
  const v6 = { tag: "tcp", hostname: "::1", port: freePort() } as const;
  for (const address of [undefined, v6, unixIn(folder)]) {
    await using scene = await Scene.open(address === undefined ? {} : { address });
    const response = await scene.ask("GET /a?b=c HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n");
    assert.deepEqual([statusOf(response), bodyOf(response)], [200, "/a"]);
    assert.equal(scene.requests[0]?.headers.get("x-y"), "z");
  }
});

Deno.test("HEAD gets the same as GET, without the body", async () => {
  await using scene = await Scene.open();
  const [head, whole] = [
    await scene.ask("HEAD /a HTTP/1.1\n\n"),
    await scene.ask("GET /a HTTP/1.1\n\n"),
  ];
  assert.equal(`${head}/a`, whole);
});

Deno.test("a request may arrive byte by byte", async () => {
  await using scene = await Scene.open();
  const client = await scene.client();
  for (const byte of get("/slowly")) {
    await client.send(byte);
    await pause(1);
  }
  assert.equal(bodyOf(await client.rest()), "/slowly");
});

Deno.test("a request is answered only once its body has arrived", async () => {
  await using scene = await Scene.open();
  const client = await scene.client(
    "POST /a HTTP/1.1\r\nContent-Length: 1024\r\n\r\n" + "x".repeat(1_023),
  );
  assert.equal(bodyOf(await scene.ask(GET)), "/");
  assert.equal(scene.requests.length, 1);
  await client.send("x");
  assert.equal(bodyOf(await client.rest()), "/a");
});

Deno.test("a head or body that is too large is refused, and the client can read the answer", async () => {
  await using scene = await Scene.open();
  const large = "x".repeat(1_000_000);
  for (
    const request of [
      "POST /a HTTP/1.1\r\nContent-Length: 1025\r\n\r\n",
      `POST /a HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n${large}`,
      `GET / HTTP/1.1\r\nA: ${large}`,
    ]
  ) {
    assert.equal(statusOf(await scene.ask(request)), 413);
  }
  assert.deepEqual(scene.requests, []);
});

Deno.test("the longest head and the longest body fit together", async () => {
  await using scene = await Scene.open({ limits: { headBytes: 64, bodyBytes: 16 } });
  const head = "GET / HTTP/1.1\r\nContent-Length: 16\r\nA: ";
  const response = await scene.ask(head.padEnd(60, "x") + "\r\n\r\n" + "x".repeat(16));
  assert.equal(statusOf(response), 200);
});

Deno.test("anything but HTTP is refused at once", async () => {
  await using scene = await Scene.open();
  assert.equal(statusOf(await scene.ask("\x16\x03\x01")), 400);
});

Deno.test("a truncated request is refused", async () => {
  await using scene = await Scene.open();
  const client = await scene.client("GET / HTTP/1.1\r\nHost");
  await client.end();
  assert.equal(statusOf(await client.rest()), 400);
});

Deno.test("a client that ends without a request gets nothing", async () => {
  await using scene = await Scene.open();
  const client = await scene.client();
  await client.end();
  assert.equal(await client.rest(), "");
});

Deno.test("a client that ends after its request gets its answer", async () => {
  await using scene = await Scene.open();
  const client = await scene.client(GET);
  await client.end();
  assert.equal(bodyOf(await client.rest()), "/");
});

Deno.test("a client that goes away before its answer does no harm", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using scene = await Scene.open({
    respond: async ({ path }) => (await released, textResponse(path === "/" ? LARGE : path)),
  });
  const client = await scene.client(GET);
  await waitFor("the request", () => scene.requests.length === 1);
  client.close();
  release();
  assert.equal(bodyOf(await scene.ask(get("/next"))), "/next");
  assert.deepEqual(scene.bugs, []);
});

Deno.test("half a request is dropped at the deadline", async () => {
  await using scene = await Scene.open({ limits: { turnMs: 50 } });
  assert.equal(statusOf(await scene.ask("GET / HTTP/1.1\r\n")), 408);
  assert.equal(statusOf(await scene.ask("")), 408);
});

Deno.test("an occasional byte does not extend the deadline", async () => {
  await using scene = await Scene.open({ limits: { turnMs: 200 } });
  const client = await scene.client();
  const response = client.rest();
  await client.send("GET /");
  await client.waitUntilRefused();
  assert.equal(statusOf(await response), 408);
  assert.deepEqual(scene.requests, []);
});

Deno.test("a large response arrives whole", async () => {
  await using folder = new TempFolder();
  await using scene = await Scene.open({ address: unixIn(folder), respond: respondLargely });
  assert.equal(bodyOf(await scene.ask(get("/large"))).length, LARGE.length);
});

Deno.test("data after the request does not destroy the response", async () => {
  await using scene = await Scene.open({ respond: respondLargely });
  const client = await scene.client(get("/large") + "x".repeat(100_000));
  await waitFor("the request", () => scene.requests.length === 1);
  await pause(20); // It is slow to read.
  assert.equal(bodyOf(await client.rest()).length, LARGE.length);
});

Deno.test("a client that does not read is dropped at its deadline", async () => {
  await using folder = new TempFolder();
  await using scene = await Scene.open({
    address: unixIn(folder),
    respond: respondLargely,
    limits: { turnMs: 200 },
  });
  const client = await scene.client(get("/large"));
  await waitFor("the request", () => scene.requests.length === 1);
  // Its turn began later, so the other's is over as well.
  assert.equal(statusOf(await (await scene.client()).rest()), 408);
  assert(bodyOf(await client.rest()).length < LARGE.length);
});

Deno.test("the number of clients that do not read is limited, and others still get short answers", async () => {
  await using folder = new TempFolder();
  await using scene = await Scene.open({
    address: unixIn(folder),
    respond: respondLargely,
    limits: { unsent: 1 },
  });
  const [first, second] = [await scene.client(), await scene.client()];
  await first.send(get("/large"));
  await waitFor("the first request", () => scene.requests.length === 1);
  await second.send(get("/large"));
  const cut = bodyOf(await second.rest());
  assert(cut.length > 0 && cut.length < LARGE.length, `${cut.length}`);
  assert.equal(bodyOf(await scene.ask(get("/short"))), "/short");
  assert.equal(bodyOf(await first.rest()).length, LARGE.length);
  assert.equal(bodyOf(await scene.ask(get("/large"))).length, LARGE.length);
});

Deno.test("one connection too many closes the oldest idle one, and no other", async () => {
  await using scene = await Scene.open({ limits: { connections: 2 } });
  const [first, second] = [await scene.client(), await scene.client()];
  await first.send("GET /first HTTP/1.1\r\n");
  const third = await scene.client();
  assert(await first.isClosed());
  await second.send(get("/second"));
  assert.equal(bodyOf(await second.rest()), "/second");
  await third.send(get("/third"));
  assert.equal(bodyOf(await third.rest()), "/third");
});

/** Answers every path but `/` on command. */
function respondLater() {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const gone: string[] = [];
  const respond: Respond = async ({ path }, signal) => {
    if (path === "/") return textResponse(path);
    signal.addEventListener("abort", () => gone.push(path));
    await released;
    return textResponse(path);
  };
  return { respond, release, gone };
}

/** Requests a path that is answered later. */
async function askLater(scene: Scene, path: string): Promise<Client> {
  const client = await scene.client(get(path));
  await waitFor("the request", () => scene.requests.some((request) => request.path === path));
  return client;
}

Deno.test("idle connections do not push out waiting ones", async () => {
  const { respond, release, gone } = respondLater();
  await using scene = await Scene.open({ limits: { connections: 4 }, respond });
  const waiting = [await askLater(scene, "/a"), await askLater(scene, "/b")];
  const idle: Client[] = [];
  while (idle.length < 20) idle.push(await scene.client());
  assert(await idle[0]!.isClosed());
  assert.equal(bodyOf(await scene.ask(GET)), "/");
  release();
  assert.deepEqual(await Promise.all(waiting.map(async (one) => bodyOf(await one.rest()))), [
    "/a",
    "/b",
  ]);
  assert.deepEqual(gone, []);
});

Deno.test("the oldest waiting connection makes room with a 503, and every other request is answered", async () => {
  const { respond, release, gone } = respondLater();
  await using scene = await Scene.open({ limits: { connections: 4 }, respond });
  const waiting: Client[] = [];
  for (const path of ["/a", "/b", "/c", "/d", "/e", "/f"]) {
    waiting.push(await askLater(scene, path));
    assert.equal(bodyOf(await scene.ask(GET)), "/");
  }
  const [first, second] = waiting;
  for (const one of [first!, second!]) assert.equal(statusOf(await one.rest()), 503);
  assert.deepEqual(gone.slice(0, 2), ["/a", "/b"]);
  release();
  assert.equal(bodyOf(await waiting.at(-1)!.rest()), "/f");
});

/** A connection that has sent a request, and is reset on command: no API of Deno 2.6 does that. */
function resettable(request: string) {
  const { promise: next, reject } = Promise.withResolvers<never>();
  const pieces = [new TextEncoder().encode(request)];
  const isClosed = { value: false };
  const connection = {
    read: (buffer: Uint8Array) => {
      const piece = pieces.shift();
      if (piece !== undefined) buffer.set(piece);
      return piece === undefined ? next : Promise.resolve(piece.length);
    },
    close: () => void (isClosed.value = true),
  } as unknown as Deno.Conn;
  return { connection, isClosed, reset: () => reject(new Deno.errors.ConnectionReset()) };
}

Deno.test("a waiting client that resets its connection frees its place at once", async () => {
  const { respond, release, gone } = respondLater();
  const bugs: unknown[] = [];
  const onBug = (bug: unknown) => bugs.push(bug);
  const server = new HttpServer({ respond, onBug, limits: HTTP_LIMITS });
  const { connection, isClosed, reset } = resettable(get("/a"));
  const served = server.serve(connection);
  reset();
  await served;
  assert.deepEqual([gone, isClosed.value, bugs], [["/a"], true, []]);
  release();
});

Deno.test("a client that has ended its side makes room like an idle one, and otherwise is answered", async () => {
  const { respond, release, gone } = respondLater();
  await using scene = await Scene.open({ limits: { connections: 4 }, respond });
  const [first, second] = [await askLater(scene, "/a"), await askLater(scene, "/b")];
  await first.end();
  await second.end();
  const waiting = await askLater(scene, "/c");
  for (let times = 0; times < 3; times++) await scene.client();
  assert.equal(statusOf(await first.rest()), 503);
  release();
  assert.equal(bodyOf(await waiting.rest()), "/c");
  assert(gone.includes("/a") && !gone.includes("/c"), `${gone}`);
});

Deno.test("a client that does not close after its answer is dropped", async () => {
  await using scene = await Scene.open({ limits: { turnMs: 50 } });
  const client = await scene.client(GET);
  assert.equal(bodyOf(await client.rest()), "/");
  await client.waitUntilRefused();
});

Deno.test("the number of clients that do not close is limited", async () => {
  await using scene = await Scene.open({ limits: { turnMs: 60_000, connections: 1 } });
  const answered = async () => {
    const client = await scene.client(GET);
    assert.equal(bodyOf(await client.rest()), "/");
    return client;
  };
  const [first, second] = [await answered(), await answered()];
  await first.waitUntilRefused();
  await second.send("it is still open");
});

Deno.test("a bug in the response gives a 500 and is reported", async () => {
  const bug = new TypeError("a bug");
  await using scene = await Scene.open({
    respond: ({ path }) => path === "/" ? Promise.reject(bug) : Promise.resolve(textResponse(path)),
  });
  const response = await scene.ask(GET);
  assert.equal(statusOf(response), 500);
  assert.equal(bodyOf(response), "500 Internal Server Error\n");
  assert.deepEqual(scene.bugs, [bug]);
  assert.equal(bodyOf(await scene.ask(get("/next"))), "/next");
});
