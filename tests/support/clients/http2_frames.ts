/** The frames of HTTP/2 (RFC 9113, section 4.1). Pure. */

export const FrameType = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

const HEAD_BYTES = 9;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length);
  bytes.set(uint32(payload.length).subarray(1));
  bytes.set([type, flags], 3);
  bytes.set(uint32(stream), 5);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** The first frame in `bytes`, and how many of them it takes; `null` while something is missing. */
export function parseFrame(
  bytes: Uint8Array,
): { readonly frame: Frame; readonly length: number } | null {
  if (bytes.length < HEAD_BYTES) return null;
  const [first, second, third, type, flags] = bytes as unknown as [
    ...[number, number, number, number, number],
  ];
  const length = HEAD_BYTES + (first << 16 | second << 8 | third);
  if (bytes.length < length) return null;
  const payload = bytes.slice(HEAD_BYTES, length);
  return { frame: { type, flags, stream: uint32At(bytes, 5) & 0x7fffffff, payload }, length };
}

export function uint32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export const uint32At = (bytes: Uint8Array, offset: number) =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset);
