import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { Authority } from "../../../support/certificates.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { applied, plan } from "../applied.ts";

const TARGET = { tag: "ca_file", path: "/elsewhere", name: "/x" } as const;

const [own, other, third, crl] = await (async () => {
  await using folder = new TempFolder();
  const authorities = ["a", "b", "c"].map((name) => new Authority(folder.at(name), name));
  return [...authorities.map(({ certificate }) => certificate), authorities[0]!.crl()];
})() as [string, string, string, string];

const sha1Of = (pem: string) => new X509Certificate(pem).fingerprint.replaceAll(":", "");

const shown = (...certificates: readonly string[]) =>
  certificates.map((one, index) =>
    `Certificate #${index + 1}:\nSHA1 FingerPrint: ${sha1Of(one)}\n\n`
  ).join("");

const BEFORE = shown(own);
const CREATED = "transaction created for CA /x!\n\n";
const COMMITTED = "Committing /x..\nSuccess!\n\n";
const BOTH = own + other;
const BOTH_SHOWN = shown(other, own);

Deno.test("CA certificates alone are set, committed and read back, in any order", async () => {
  const text = `# ours\r\n${BOTH.replaceAll("\n", "\r\n")}\r\n`;
  const [result, commands] = await applied(TARGET, text, [BEFORE, CREATED, COMMITTED, BOTH_SHOWN]);
  assert.deepEqual(result, { tag: "applied", detail: "2 certificates" });
  assert.deepEqual(commands, [
    "show ssl ca-file /x",
    `set ssl ca-file /x <<\n${BOTH}`,
    "commit ssl ca-file /x",
    "show ssl ca-file /x",
  ]);
});

Deno.test("removing an authority requires a reload, which ends its clients' sessions", async () => {
  const [result, commands] = await applied(TARGET, other, [BEFORE]);
  const reason = "clients are no longer trusted, and only a reload ends their sessions";
  assert.deepEqual(result, { tag: "impossible", reason });
  assert.deepEqual(commands, ["show ssl ca-file /x"]);
});

Deno.test("if HAProxy does not show who was trusted before, nothing is set", async () => {
  const [result] = await applied(TARGET, BOTH, [null]);
  assert.deepEqual(result, { tag: "impossible", reason: "HAProxy does not answer" });
});

Deno.test("more CA certificates than HAProxy takes at once are added in portions", async () => {
  const text = BOTH.repeat(20);
  const updated = "transaction updated for CA /x!\n\n";
  const answers = [BEFORE, CREATED, updated, COMMITTED, BOTH_SHOWN];
  const [result, commands] = await applied(TARGET, text, answers);
  assert.deepEqual(result, { tag: "applied", detail: "2 certificates" });
  assert.deepEqual(commands.slice(1, 3).map((command) => command.split("\n")[0]), [
    "set ssl ca-file /x <<",
    "add ssl ca-file /x <<",
  ]);
  const sent = commands.slice(1, 3).map((command) => command.slice(command.indexOf("\n") + 1));
  assert.equal(sent.join(""), text);
  assert.ok(commands.every((command) => command.length < 16_000));
});

Deno.test("if one portion fails, nothing is committed", async () => {
  const answers = [BEFORE, CREATED, "Unknown command\n", "\n"];
  const [result, commands] = await applied(TARGET, BOTH.repeat(20), answers);
  assert.equal(result.tag, "impossible");
  assert.equal(commands.at(-1), "abort ssl ca-file /x");
});

Deno.test("CA certificates that are not committed, or not shown, are not confirmed", async () => {
  const [result] = await applied(TARGET, BOTH, [BEFORE, CREATED, "Can't commit /x!\n", "\n"]);
  assert.equal(result.tag, "unconfirmed");
  for (const after of [shown(other), BOTH_SHOWN + shown(third), "", null]) {
    const [result] = await applied(TARGET, BOTH, [BEFORE, CREATED, COMMITTED, after]);
    assert.equal(result.tag, "unconfirmed");
  }
});

Deno.test("a CA file that only HAProxy can judge requires a reload", async () => {
  const nonsense = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
  for (const text of ["", "not yet", BOTH + nonsense]) {
    assert.deepEqual(await plan(TARGET, text), {
      tag: "impossible",
      reason: "it holds no certificates, or some that cannot be read",
    });
  }
  assert.deepEqual(await plan(TARGET, BOTH + crl), {
    tag: "impossible",
    reason: "it also holds a CRL",
  });
});
