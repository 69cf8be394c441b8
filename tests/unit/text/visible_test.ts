import assert from "node:assert/strict";
import { visible, visibleJson } from "../../../lib/text/visible.ts";

/** All characters that are hidden, break a line or reverse the order. */
const HIDDEN = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index),
  ...[0xad, 0x61c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029],
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0x3164],
  ...[0xfe0f, 0xfeff, 0xfff9, 0xd800, 0xdfff, 0xe0001, 0xe0041],
].map((code) => String.fromCodePoint(code)).filter((one) => one !== "\u{a0}");

const READABLE =
  "/été/žluťoučký/Ωμέγα/Привет/שלום/مرحبا/नमस्ते/ไทย/日本語/한국어/𝒳/🦊/a b\u{a0}\\\"'";

Deno.test("letters of all languages stay as they are", () => {
  assert.equal(visible(READABLE), READABLE);
  assert.equal(visibleJson(READABLE), JSON.stringify(READABLE));
});

Deno.test("each hidden character is shown as its number, and a line break as \\n", () => {
  for (const one of HIDDEN) {
    const number = one.codePointAt(0)!.toString(16);
    const wanted = one === "\n" ? "\\n" : `\\u{${number}}`;
    assert.equal(visible(`a${one}b`), `a${wanted}b`);
    assert.equal(visible(`a${one}b`, one), `a${one}b`);
  }
});

Deno.test("JSON has no hidden character and the same value", () => {
  for (const one of HIDDEN) {
    const json = visibleJson({ [one]: [one] }, 1);
    assert.equal(visible(json, "\n"), json, one);
    assert.deepEqual(JSON.parse(json), { [one]: [one] });
  }
});
