/** The HTTP/1.1 client against scripted servers. */
import assert from "node:assert/strict";
import { connectPlain } from "./connection.ts";
import { Http1Connection } from "./http1.ts";
import { freePort } from "../machine/free_port.ts";

const answer = (body: string, more = "") =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;

/** Sends each of `answers` after one more request, then closes. */
async function withServer(
  answers: readonly string[],
  ask: (client: Http1Connection) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    for (const text of answers) {
      await connection.read(new Uint8Array(1_024));
      await connection.write(new TextEncoder().encode(text));
    }
  })();
  const address = { port: listener.addr.port };
  const client = new Http1Connection(await connectPlain(address));
  await ask(client);
  client.close();
  await serving;
}

Deno.test("one request after another is answered, until HAProxy announces the end", async () => {
  const answers = [
    answer("content 1"),
    answer("a second"),
    answer("content 2", "connection: close\r\n"),
  ];
  await withServer(answers, async (client) => {
    assert.deepEqual(await client.request(), { text: "content 1", isLast: false });
    assert.deepEqual(await client.request("/other"), { text: "a second", isLast: false });
    assert.equal(client.isOver, false);
    assert.deepEqual(await client.request(), { text: "content 2", isLast: true });
    assert.ok(client.isOver);
  });
});

for (
  const [kind, what, answers] of [
    ["empty", "no answer at all", [""]],
    ["cut", "half a body", [answer("content 1").slice(0, -1)]],
    ["cut", "half a head", ["HTTP/1.1 2"]],
    ["idle_closing", "an end after an answer", [answer("content 1"), ""]],
    ["wrong", "another status", ["HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"]],
  ] as const
) {
  Deno.test(`${what} is "${kind}"`, async () => {
    await withServer(answers, async (client) => {
      for (let asked = 1; asked < answers.length; asked++) await client.request();
      await assert.rejects(client.request(), { kind });
    });
  });
}

Deno.test("a refused connection is reported", async () => {
  await assert.rejects(connectPlain({ port: freePort() }), { kind: "refused" });
});
