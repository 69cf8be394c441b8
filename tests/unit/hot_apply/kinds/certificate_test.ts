import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { refusalAt } from "../../../../lib/hot_apply/kinds/certificate.ts";
import { Authority, type Pair } from "../../../support/certificates.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import type { Answer } from "../../../support/haproxy/scripted_haproxy.ts";
import { applied, plan } from "../applied.ts";

const FROM = new Date("2020-01-02T03:04:05Z");
const UNTIL = new Date("2100-02-03T04:05:06Z");

const TARGET = {
  tag: "certificate",
  path: "/certs/x",
  name: "/x",
  keyPath: "/certs/x.key",
  isMember: false,
} as const;

/** Made once, because openssl is slow. */
const [pair, stranger, ed25519] = await (async () => {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  const kinds = ["ec", "ec", "ed25519"] as const;
  return kinds.map((kind) => authority.issue({ from: FROM, until: UNTIL, kind }));
})() as [Pair, Pair, Pair];

const sha1Of = (pem: string) => new X509Certificate(pem).fingerprint.replaceAll(":", "");

const CREATED = "Transaction created for certificate /x!\n\n";
const COMMITTED = "Committing /x..\nSuccess!\n\n";
const SHOWN = `Filename: /x\nStatus: Used\nSHA1 FingerPrint: ${sha1Of(pair.certificate)}\n\n`;
const APPLIED = { tag: "applied", detail: "expires 2100-02-03" } as const;

Deno.test("a certificate is set with its key, committed and read back", async () => {
  const [result, commands] = await applied(TARGET, pair.pem, [CREATED, COMMITTED, SHOWN]);
  assert.deepEqual(result, APPLIED);
  assert.deepEqual(commands, [
    `set ssl cert /x <<\n${pair.pem}`,
    "commit ssl cert /x",
    "show ssl cert /x",
  ]);
});

Deno.test("an unusable certificate is refused; one that cannot be read requires a reload", async () => {
  assert.deepEqual(await plan(TARGET, pair.certificate, { key: stranger.key }), {
    tag: "refused",
    reason: "does not match the private key beside it",
    awaited: "the other of the pair",
    fitFromMs: null,
  });
  assert.deepEqual(await plan(TARGET, pair.key), {
    tag: "impossible",
    reason: "it holds no certificate",
  });
  const [begin, , ...lines] = pair.certificate.split("\n");
  assert.deepEqual(await plan(TARGET, [begin, ...lines].join("\n") + pair.key), {
    tag: "impossible",
    reason: "it cannot be read",
  });
});

Deno.test("a certificate may be served from its first moment until just before its expiry", () => {
  const certificate = new X509Certificate(pair.certificate);
  const refusal = (at: Date, offsetMs: number) => refusalAt(at.getTime() + offsetMs, certificate);
  assert.deepEqual(refusal(FROM, -1), {
    tag: "refused",
    reason: "is not valid before 2020-01-02T03:04:05.000Z",
    awaited: "that time",
    fitFromMs: FROM.getTime(),
  });
  assert.equal(refusal(FROM, 0), null);
  assert.equal(refusal(UNTIL, -1), null);
  assert.deepEqual(refusal(UNTIL, 0), {
    tag: "refused",
    reason: "expired on 2100-02-03",
    awaited: "another one",
    fitFromMs: null,
  });
});

Deno.test("a certificate beside a file that HAProxy would forget requires a reload", async () => {
  const target = { ...TARGET, path: "/a.crt" };
  const mark = { content: "", modifiedMs: 0, stamp: "" };
  for (const path of ["/a.crt.sctl", "/a.sctl", "/a.ocsp", "/a.issuer"]) {
    assert.deepEqual(await plan(target, pair.pem, { files: new Map([[path, mark]]) }), {
      tag: "impossible",
      reason: "HAProxy would forget a file beside it, such as .sctl",
    });
  }
  assert.equal(
    (await plan(target, pair.pem, { files: new Map([["/b.ocsp", mark]]) })).tag,
    "ready",
  );
});

Deno.test("a pair that does not match, by HAProxy's word, is refused", async () => {
  const mismatch =
    "inconsistencies between private key and certificate loaded '/x'.\nCan't commit /x!\n\n";
  const [result, commands] = await applied(TARGET, pair.pem, [CREATED, mismatch, "\n"]);
  assert.deepEqual(result, {
    tag: "refused",
    reason: "does not match its private key",
    awaited: "the other of the pair",
    fitFromMs: null,
  });
  assert.equal(commands.at(-1), "abort ssl cert /x");
});

Deno.test("a certificate that cannot be set requires a reload; one that cannot be committed is unconfirmed", async () => {
  const [notSet] = await applied(TARGET, pair.pem, ["no\n", "\n"]);
  assert.deepEqual(notSet, { tag: "impossible", reason: 'HAProxy says "no"' });
  const [notCommitted] = await applied(TARGET, pair.pem, [CREATED, "no\n", "\n"]);
  assert.deepEqual(notCommitted, { tag: "unconfirmed", reason: 'HAProxy says "no"' });
});

/** What HAProxy 2.6 shows of a certificate with a kind of key that it does not know. */
const withoutFingerprint = (serial: string, notAfter = "Feb  3 04:05:06 2100 GMT") =>
  `Filename: /x\nStatus: Used\nSerial: ${serial}\nnotAfter: ${notAfter}\nSHA1 FingerPrint: \n\n`;

Deno.test("without a fingerprint, serial number and expiry confirm a certificate", async () => {
  const resultOf = async (shown: string) =>
    (await applied(TARGET, ed25519.pem, [CREATED, COMMITTED, shown]))[0];
  const serial = new X509Certificate(ed25519.certificate).serialNumber;
  for (const one of [serial, `00${serial.toLowerCase()}`]) {
    assert.deepEqual(await resultOf(withoutFingerprint(one)), APPLIED);
  }
  const others = [
    withoutFingerprint(new X509Certificate(stranger.certificate).serialNumber),
    withoutFingerprint(serial, "Feb  3 04:05:07 2100 GMT"),
    `SHA1 FingerPrint: ${sha1Of(stranger.certificate)}\n${withoutFingerprint(serial)}`,
  ];
  for (const shown of others) assert.equal((await resultOf(shown)).tag, "unconfirmed");
});

Deno.test("a certificate that is not shown after the commit is not confirmed", async () => {
  const other = SHOWN.replace(/\w+\n\n/, `${sha1Of(stranger.certificate)}\n\n`);
  const cases: readonly [Answer, string][] = [
    [other, "HAProxy shows something else after the change"],
    ["", "HAProxy shows something else after the change"],
    [null, "HAProxy does not answer"],
  ];
  for (const [shown, reason] of cases) {
    const [result] = await applied(TARGET, pair.pem, [CREATED, COMMITTED, shown]);
    assert.deepEqual(result, { tag: "unconfirmed", reason });
  }
});
