/** Varints and frames of HTTP/3 (RFC 9000, section 16; RFC 9114, section 7). Pure. */

export const FrameType = { data: 0, headers: 1, settings: 4, goaway: 7 } as const;

export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

interface Parsed<Value> {
  readonly value: Value;
  /** How many bytes it takes. */
  readonly length: number;
}

export function frame(type: number, payload: Uint8Array = new Uint8Array()): Uint8Array {
  return new Uint8Array([...varint(type), ...varint(payload.length), ...payload]);
}

/** The first frame in `bytes`; `null` while something is missing. */
export function parseFrame(bytes: Uint8Array): Parsed<Frame> | null {
  const type = parseVarint(bytes);
  if (type === null) return null;
  const size = parseVarint(bytes.subarray(type.length));
  if (size === null) return null;
  const head = type.length + size.length;
  const length = head + size.value;
  if (bytes.length < length) return null;
  return { value: { type: type.value, payload: bytes.slice(head, length) }, length };
}

/** At most two bytes, which is enough for a request. */
export function varint(value: number): readonly number[] {
  if (value < 0x40) return [value];
  if (value < 0x4000) return [0x40 | value >> 8, value & 0xff];
  throw new RangeError(`found ${value}, wanted less than ${0x4000}`);
}

/** `null` while something is missing. Not exact above 2^53. */
export function parseVarint(bytes: Uint8Array): Parsed<number> | null {
  const [first] = bytes;
  if (first === undefined) return null;
  const length = 1 << (first >> 6);
  if (bytes.length < length) return null;
  const value = bytes.subarray(1, length).reduce((high, byte) => high * 256 + byte, first & 0x3f);
  return { value, length };
}
