/** The parts of HTTP/3 that need no server; `../../e2e/reloads/quic_test.ts` has the client beside HAProxy. */
import assert from "node:assert/strict";
import { frame, FrameType, parseFrame, parseVarint, varint } from "./http3_frames.ts";

Deno.test("a varint is read once it is whole, as it was written", () => {
  for (const value of [0, 63, 64, 16_383]) {
    const bytes = new Uint8Array(varint(value));
    assert.deepEqual(parseVarint(bytes), { value, length: value < 64 ? 1 : 2 });
    assert.equal(parseVarint(bytes.subarray(0, -1)), null);
  }
  assert.throws(() => varint(16_384), RangeError);
  // RFC 9000, section A.1.
  const eight = new Uint8Array([0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c]);
  assert.deepEqual(parseVarint(eight.subarray(0, 4)), null);
  assert.deepEqual(parseVarint(new Uint8Array([0x9d, 0x7f, 0x3e, 0x7d])), {
    value: 494_878_333,
    length: 4,
  });
});

Deno.test("a frame is read once it is whole, as it was written", () => {
  const payload = new Uint8Array([1, 2, 3]);
  const bytes = frame(FrameType.data, payload);
  assert.equal(parseFrame(bytes.subarray(0, 1)), null);
  assert.equal(parseFrame(bytes.subarray(0, -1)), null);
  assert.deepEqual(parseFrame(new Uint8Array([...bytes, 9])), {
    value: { type: FrameType.data, payload },
    length: bytes.length,
  });
});
