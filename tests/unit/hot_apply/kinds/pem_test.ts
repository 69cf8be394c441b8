import assert from "node:assert/strict";
import {
  derOf,
  isCertificate,
  isCrl,
  isPrivateKey,
  pemBlocks,
} from "../../../../lib/hot_apply/kinds/pem.ts";

const block = (label: string, ...lines: readonly string[]) =>
  [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join("\n");

const [ONE, TWO] = [block("CERTIFICATE", "AAEC", "Aw=="), block("PRIVATE KEY", "BAUG")];

const textsOf = (text: string) => pemBlocks(text).map(({ text }) => text);

Deno.test("blocks keep their order and their labels", () => {
  assert.deepEqual(pemBlocks(`${ONE}\n${TWO}\n`), [
    { label: "CERTIFICATE", text: ONE },
    { label: "PRIVATE KEY", text: TWO },
  ]);
  assert.deepEqual(textsOf(`${TWO}\n${ONE}`), [TWO, ONE]);
});

Deno.test("text around blocks is left out", () => {
  const text = `# the site's\nsubject=CN = a\n\n${ONE}\n\nBag Attributes\n${TWO}\nthe end`;
  assert.deepEqual(textsOf(text), [ONE, TWO]);
});

Deno.test("a block has no blank lines, which would end a payload, and no trailing blanks", () => {
  assert.deepEqual(textsOf(`${ONE}\n${TWO}\n`.replaceAll("\n", "\r\n")), [ONE, TWO]);
  assert.deepEqual(textsOf(ONE.replace("AAEC\n", "\n \t\n  AAEC \t\r\n\r\n\n")), [ONE]);
});

Deno.test("blanks may follow a block's first line", () => {
  assert.deepEqual(textsOf(ONE.replace("\n", " \t\r\n")), [ONE]);
});

Deno.test("a block must begin at the start of a line", () => {
  assert.deepEqual(textsOf(`${ONE.replaceAll(/^/gm, "# ")}\n ${ONE}\n${TWO}`), [TWO]);
});

Deno.test("a block must end with its own label", () => {
  assert.deepEqual(textsOf("-----BEGIN CERTIFICATE-----\nAAEC\n"), []);
  assert.deepEqual(textsOf("-----BEGIN A-----\nAAEC\n-----END B-----"), []);
  assert.deepEqual(textsOf("no PEM at all"), []);
});

Deno.test("labels distinguish certificates, private keys of any kind and CRLs", () => {
  const labels = [
    ...["CERTIFICATE", "TRUSTED CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL"],
    ...["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "PUBLIC KEY", "DH PARAMETERS"],
  ];
  const blocks = labels.map((label) => ({ label, text: "" }));
  const labelsOf = (chosen: typeof blocks) => chosen.map(({ label }) => label);
  assert.deepEqual(labelsOf(blocks.filter(isCertificate)), [
    ...["CERTIFICATE", "TRUSTED CERTIFICATE"],
  ]);
  assert.deepEqual(labelsOf(blocks.filter(isCrl)), ["X509 CRL"]);
  assert.deepEqual(labelsOf(blocks.filter(isPrivateKey)), [
    ...["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"],
  ]);
});

Deno.test("a block's content is decoded from all its lines, unless it is not base64", () => {
  assert.deepEqual(derOf({ label: "", text: ONE }), new Uint8Array([0, 1, 2, 3]));
  assert.equal(derOf({ label: "", text: block("A", "no base64!") }), null);
});
