import assert from "node:assert/strict";
import { readPair } from "../../../../lib/hot_apply/kinds/pair.ts";
import { Authority, type Pair } from "../../../support/certificates.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

/** Two pairs of one authority. */
async function withPairs(test: (one: Pair, other: Pair, authority: Authority) => Promise<void>) {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  await test(authority.issue(), authority.issue(), authority);
}

/** The fingerprint and the PEM text of a pair that was read. */
async function read(text: string, key: string | null = null) {
  const pair = await readPair(text, key);
  assert.ok(pair.tag === "read", pair.tag);
  return { fingerprint: pair.certificate.fingerprint.replaceAll(":", ""), pem: pair.pem };
}

const sha1Of = async (pem: string) => {
  const der = Uint8Array.fromBase64(pem.split("\n").slice(1, -2).join(""));
  return new Uint8Array(await crypto.subtle.digest("SHA-1", der)).toHex().toUpperCase();
};

Deno.test("a key may follow its certificate or come first", () =>
  withPairs(async ({ certificate, key, pem }) => {
    const fingerprint = await sha1Of(certificate);
    assert.deepEqual(await read(pem), { fingerprint, pem: pem.trimEnd() });
    assert.deepEqual(await read(key + certificate), {
      fingerprint,
      pem: (key + certificate).trimEnd(),
    });
  }));

Deno.test("a key from its own file is appended to certificate and chain", () =>
  withPairs(async ({ certificate, key }, _, authority) => {
    const chain = certificate + authority.certificate;
    const { pem } = await read(`${chain}\n\n# the end\n`, `# the key\r\n${key}`);
    assert.equal(pem, (chain + key).trimEnd());
  }));

Deno.test("a key in the certificate's file wins over one beside it", () =>
  withPairs(async ({ pem }, other) => {
    assert.equal((await read(pem, other.key)).pem, pem.trimEnd());
  }));

Deno.test("the first of several certificates must match the key", () =>
  withPairs(async (one, other) => {
    await read(one.certificate + other.certificate + one.key);
    const { tag } = await readPair(other.certificate + one.certificate + one.key, null);
    assert.equal(tag, "flawed");
  }));

Deno.test("a flawed pair has a reason and says what is missing", () =>
  withPairs(async (one, other) => {
    const noKey = ["has no private key, in it or beside it", "the key"] as const;
    const cases: readonly (readonly [string, string | null, string, string])[] = [
      ["", null, "is empty", "a certificate"],
      [" \r\n", null, "is empty", "a certificate"],
      [one.certificate, null, ...noKey],
      [one.certificate, "half a key", ...noKey],
      [
        ...[one.certificate, other.key] as const,
        ...["does not match the private key beside it", "the other of the pair"] as const,
      ],
      [
        ...[one.certificate + other.key, null] as const,
        ...["does not match the private key in it", "another one"] as const,
      ],
    ];
    for (const [text, key, reason, awaited] of cases) {
      assert.deepEqual(await readPair(text, key), { tag: "flawed", reason, awaited });
    }
  }));

Deno.test("a file without a readable certificate is left to HAProxy", () =>
  withPairs(async ({ certificate, key }) => {
    for (const text of ["no PEM at all", key, certificate.slice(0, 300) + key]) {
      assert.deepEqual(await readPair(text, null), { tag: "no_certificate" });
    }
    const [begin, , ...lines] = certificate.split("\n");
    assert.deepEqual(await readPair([begin, ...lines].join("\n"), key), { tag: "unreadable" });
  }));

Deno.test("PEM that OpenSSL reads is read", () =>
  withPairs(async ({ certificate, pem }) => {
    const texts = {
      "blanks behind BEGIN": pem.replace("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE----- \t"),
      "a block in comments": `${certificate.replaceAll(/^/gm, "# ")}\n${pem}`,
      "a trusted certificate": pem.replaceAll(" CERTIFICATE", " TRUSTED CERTIFICATE"),
    };
    for (const [what, text] of Object.entries(texts)) {
      assert.equal((await read(text)).fingerprint, await sha1Of(certificate), what);
    }
  }));

/** Deno 2.6 cannot compare some of these, and leaves them to HAProxy. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  "RSA": ["rsa:2048"],
  "P-384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  "P-521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
  "Ed25519": ["ed25519"],
  "RSA-PSS": ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
};

for (const [kind, options] of Object.entries(KEYS)) {
  Deno.test(`a certificate with its own key of kind ${kind} is read`, async () => {
    await using folder = new TempFolder();
    const [certificate, key] = [folder.at("certificate"), folder.at("key")];
    const names = ["-keyout", key, "-out", certificate, "-subj", "/CN=a"];
    const { success } = new Deno.Command("openssl", {
      args: ["req", "-x509", "-nodes", "-days", "3650", "-newkey", ...options, ...names],
      stderr: "null",
    }).outputSync();
    assert.ok(success);
    const [text, keyText] = [certificate, key].map((path) => Deno.readTextFileSync(path));
    await read(text!, keyText!);
  });
}
