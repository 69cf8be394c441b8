/** The HTTP/2 client against scripted servers: what is announced, what is answered, and what is cut. */
import assert from "node:assert/strict";
import { Http2Connection } from "./http2.ts";
import { frame, FrameType, parseFrame, uint32 } from "./http2_frames.ts";

const END_STREAM = 1;
const STATUS_200 = new Uint8Array([0x88]);
const STATUS_503 = new Uint8Array([0x08, 0x03, ...new TextEncoder().encode("503")]);
/** Promises an answer to the first request. */
const GOAWAY = frame(FrameType.goaway, 0, 0, new Uint8Array([...uint32(1), ...uint32(0)]));
const answer = (stream: number, content: number) => [
  frame(FrameType.headers, 4, stream, STATUS_200),
  frame(FrameType.data, END_STREAM, stream, new TextEncoder().encode(`${content}`)),
];

/** Sends each of `answers` after one more request, then closes. */
async function withServer(
  answers: readonly (readonly Uint8Array[])[],
  ask: (client: Http2Connection) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    const buffer = new Uint8Array(4_096);
    for (const frames of answers) {
      for (let text = ""; !text.includes("site.test");) {
        text += new TextDecoder("latin1").decode(
          buffer.subarray(0, await connection.read(buffer) ?? assert.fail("the client has gone")),
        );
      }
      for (const one of frames) await connection.write(one as Uint8Array<ArrayBuffer>);
    }
  })();
  const client = new Http2Connection(
    await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
  );
  try {
    await ask(client);
  } finally {
    await client.finish();
    await serving;
  }
}

Deno.test("one request after another is answered, with settings and pings in between", async () => {
  const noise = [frame(FrameType.settings, 0, 0), frame(FrameType.ping, 0, 0, new Uint8Array(8))];
  await withServer([[...noise, ...answer(1, 7)], answer(3, 8)], async (client) => {
    assert.deepEqual(await client.request(), { text: "7", isLast: false });
    assert.equal((await client.request())?.text, "8");
  });
});

Deno.test("a request that GOAWAY says was not processed has not failed", async () => {
  await withServer([answer(1, 1), [GOAWAY]], async (client) => {
    await client.request();
    assert.equal(await client.request(), null);
    assert.ok(client.isOver);
  });
});

Deno.test("nor has one whose stream is refused, and the connection goes on", async () => {
  const refused = frame(FrameType.resetStream, 0, 1, uint32(7));
  await withServer([[refused], answer(3, 1)], async (client) => {
    assert.equal(await client.request(), null);
    assert.deepEqual(await client.request(), { text: "1", isLast: false });
  });
});

Deno.test("a reset stream ends its request at once", async () => {
  await withServer(
    [[frame(FrameType.resetStream, 0, 1, uint32(2))], answer(3, 1)],
    async (client) => {
      await assert.rejects(client.request(), { kind: "reset" });
      assert.equal((await client.request())?.text, "1");
    },
  );
});

Deno.test("a request that GOAWAY lets pass is answered, and is the last", async () => {
  await withServer([[GOAWAY, ...answer(1, 1)]], async (client) => {
    assert.deepEqual(await client.request(), { text: "1", isLast: true });
  });
});

for (
  const [kind, what, answers] of [
    ["empty", "no answer at all", [[]]],
    ["cut", "half an answer", [[answer(1, 1)[0]!]]],
    ["cut", "an answer that GOAWAY has promised", [[GOAWAY, answer(1, 1)[0]!]]],
    ["idle_closing", "an end without a word after an answer", [answer(1, 1), []]],
    ["wrong", "another status", [[frame(FrameType.headers, 4 | END_STREAM, 1, STATUS_503)]]],
  ] as const
) {
  Deno.test(`${what} is "${kind}"`, async () => {
    await withServer(answers, async (client) => {
      for (let asked = 1; asked < answers.length; asked++) await client.request();
      await assert.rejects(client.request(), { kind });
    });
  });
}

Deno.test("a frame is read once it is whole, as it was written", () => {
  const bytes = frame(FrameType.data, END_STREAM, 5, new Uint8Array([1, 2, 3]));
  assert.equal(parseFrame(bytes.subarray(0, -1)), null);
  assert.deepEqual(parseFrame(new Uint8Array([...bytes, 9])), {
    frame: {
      type: FrameType.data,
      flags: END_STREAM,
      stream: 5,
      payload: new Uint8Array([1, 2, 3]),
    },
    length: bytes.length,
  });
});
