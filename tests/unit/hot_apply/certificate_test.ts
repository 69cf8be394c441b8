import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { dateOf, examineCertificate, shownSerial } from "../../../lib/hot_apply/certificate.ts";
import { Authority, type Pair } from "../../support/certificates.ts";
import { TempFolder } from "../../support/temp_folder.ts";

const FROM = new Date("2030-01-02T03:04:05Z");
const UNTIL = new Date("2031-02-03T04:05:06Z");
const BETWEEN_MS = Date.parse("2030-06-01T00:00:00Z");

const sha1Of = async (pem: string) => {
  const der = Uint8Array.fromBase64(pem.split("\n").slice(1, -2).join(""));
  return new Uint8Array(await crypto.subtle.digest("SHA-1", der)).toHex().toUpperCase();
};

const examine = (text: string, key: string | null = null, nowMs = BETWEEN_MS) =>
  examineCertificate(text, { key, nowMs });

/** Two pairs of one authority. */
async function withPairs(test: (one: Pair, other: Pair, authority: Authority) => Promise<void>) {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  const [one, other] = [FROM, FROM].map((from) => authority.issue({ from, until: UNTIL }));
  await test(one!, other!, authority);
}

Deno.test("a certificate with its key is fit, with what tells it from others and its last moment", () =>
  withPairs(async ({ certificate, key, pem }) => {
    assert.deepEqual(await examine(pem), {
      tag: "fit",
      pem: pem.trimEnd(),
      fingerprint: await sha1Of(certificate),
      serial: shownSerial(new X509Certificate(certificate).serialNumber),
      expiresMs: UNTIL.getTime(),
    });
    assert.equal((await examine(key + certificate)).tag, "fit");
  }));

Deno.test("a key beside a certificate is put behind it and its chain", () =>
  withPairs(async ({ certificate, key }, _, authority) => {
    const chain = certificate + authority.certificate;
    const examination = await examine(`${chain}\n\n# the end\n`, `# the key\r\n${key}`);
    assert.ok(examination.tag === "fit");
    assert.equal(examination.pem, (chain + key).trimEnd());
    assert.equal(examination.fingerprint, await sha1Of(certificate));
  }));

Deno.test("a key in the file counts more than one beside it", () =>
  withPairs(async ({ pem }, other) => {
    const examination = await examine(pem, other.key);
    assert.ok(examination.tag === "fit");
    assert.equal(examination.pem, pem.trimEnd());
  }));

Deno.test("a key that does not match is told, in the file or beside it", () =>
  withPairs(async (one, other) => {
    assert.deepEqual(await examine(one.certificate, other.key), {
      tag: "unfit",
      reason: "does not match the private key beside it",
      awaited: "the other of the pair",
      fitFromMs: null,
    });
    assert.deepEqual(await examine(one.certificate + other.key), {
      tag: "unfit",
      reason: "does not match the private key in it",
      awaited: "another one",
      fitFromMs: null,
    });
  }));

Deno.test("of several certificates the first is the one that the key must match", () =>
  withPairs(async (one, other) => {
    assert.equal((await examine(one.certificate + other.certificate + one.key)).tag, "fit");
    assert.equal((await examine(other.certificate + one.certificate + one.key)).tag, "unfit");
  }));

Deno.test("a certificate is fit from its first moment until just before its last", () =>
  withPairs(async ({ pem }) => {
    const tagAt = async (nowMs: number) => (await examine(pem, null, nowMs)).tag;
    assert.equal(await tagAt(FROM.getTime() - 1), "unfit");
    assert.equal(await tagAt(FROM.getTime()), "fit");
    assert.equal(await tagAt(UNTIL.getTime() - 1), "fit");
    assert.equal(await tagAt(UNTIL.getTime()), "unfit");
  }));

Deno.test("one that expired awaits another, one that is not valid yet awaits its time", () =>
  withPairs(async ({ pem }) => {
    assert.deepEqual(await examine(pem, null, UNTIL.getTime()), {
      tag: "unfit",
      reason: "expired on 2031-02-03",
      awaited: "another one",
      fitFromMs: null,
    });
    assert.deepEqual(await examine(pem, null, 0), {
      tag: "unfit",
      reason: "is not valid before 2030-01-02T03:04:05.000Z",
      awaited: "that time",
      fitFromMs: FROM.getTime(),
    });
  }));

Deno.test("a certificate without a key, and a file that is empty, are told as such", () =>
  withPairs(async ({ certificate }) => {
    const noKey = {
      tag: "unfit",
      reason: "has no private key, neither in it nor beside it",
      awaited: "the key",
      fitFromMs: null,
    };
    assert.deepEqual(await examine(certificate), noKey);
    assert.deepEqual(await examine(certificate, "half a key"), noKey);
    for (const text of ["", " \r\n"]) {
      assert.deepEqual(await examine(text), {
        tag: "unfit",
        reason: "is empty",
        awaited: "a certificate",
        fitFromMs: null,
      });
    }
  }));

Deno.test("of what holds no certificate that is known here HAProxy has to tell", () =>
  withPairs(async ({ certificate, key }) => {
    for (const text of ["no PEM at all", key, certificate.slice(0, 300) + key]) {
      assert.deepEqual(await examine(text), {
        tag: "unreadable",
        reason: "it holds no certificate",
      });
    }
  }));

Deno.test("of a certificate of nonsense HAProxy has to tell", () =>
  withPairs(async ({ certificate, key }) => {
    const [begin, , ...lines] = certificate.split("\n");
    assert.deepEqual(await examine([begin, ...lines].join("\n"), key), {
      tag: "unreadable",
      reason: "it cannot be read",
    });
  }));

Deno.test("PEM that OpenSSL reads is read", () =>
  withPairs(async ({ certificate, pem }) => {
    const texts = {
      "blanks behind BEGIN": pem.replace("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE----- \t"),
      "a block in comments": `${certificate.replaceAll(/^/gm, "# ")}\n${pem}`,
      "a trusted certificate": pem.replaceAll(" CERTIFICATE", " TRUSTED CERTIFICATE"),
    };
    for (const [what, text] of Object.entries(texts)) {
      const examination = await examine(text);
      assert.ok(examination.tag === "fit", what);
      assert.equal(examination.fingerprint, await sha1Of(certificate), what);
    }
  }));

Deno.test("a serial number is the same with zeros in front and in small letters", () => {
  assert.equal(shownSerial("00ab0C"), "AB0C");
  assert.equal(shownSerial("AB0C"), "AB0C");
});

/** Some of which Deno 2.6 cannot compare, so that HAProxy is left to tell. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  "RSA": ["rsa:2048"],
  "P-384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  "P-521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
  "Ed25519": ["ed25519"],
  "RSA-PSS": ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
};

for (const [kind, options] of Object.entries(KEYS)) {
  Deno.test(`a certificate with its own key of the kind ${kind} is fit`, async () => {
    await using folder = new TempFolder();
    const [certificate, key] = [folder.at("certificate"), folder.at("key")];
    const names = ["-keyout", key, "-out", certificate, "-subj", "/CN=a"];
    const { success } = new Deno.Command("openssl", {
      args: ["req", "-x509", "-nodes", "-days", "3650", "-newkey", ...options, ...names],
      stderr: "null",
    }).outputSync();
    assert.ok(success);
    const [text, keyText] = [certificate, key].map((path) => Deno.readTextFileSync(path));
    const tomorrowMs = Deno.statSync(certificate).mtime!.getTime() + 86_400_000;
    assert.equal((await examine(text!, keyText!, tomorrowMs)).tag, "fit");
  });
}

Deno.test("days are told in UTC", () => {
  assert.equal(dateOf(Date.parse("2030-01-01T00:30:00+01:00")), "2029-12-31");
});
