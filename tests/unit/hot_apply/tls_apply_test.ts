import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { applyCaFile, applyCertificate, applyCrlFile } from "../../../lib/hot_apply/tls_apply.ts";
import type { TargetOf } from "../../../lib/hot_apply/target_apply.ts";
import { Authority, type Pair } from "../../support/certificates.ts";
import { type Answer, type Script, script } from "../../support/scripted_haproxy.ts";

const UNTIL = new Date("2100-02-03T04:05:06Z");

/** What openssl makes, which takes long, is made once. */
const made = (() => {
  const path = Deno.makeTempDirSync();
  const authority = new Authority(`${path}/ca`);
  const other = new Authority(`${path}/other`, "Other CA");
  const [pair, stranger] = [1, 2].map(() => authority.issue({ until: UNTIL })) as [Pair, Pair];
  const ed25519 = authority.issue({ until: UNTIL, kind: "ed25519" });
  authority.revoke(stranger);
  authority.revoke(ed25519);
  const all = {
    authority,
    other,
    pair,
    stranger,
    ed25519,
    crl: authority.crl(),
    otherCrl: other.crl(),
  };
  Deno.removeSync(path, { recursive: true });
  return all;
})();

const sha1Of = (pem: string) => new X509Certificate(pem).fingerprint.replaceAll(":", "");

const certificateOf = (name: string): TargetOf<"certificate"> => ({
  tag: "certificate",
  path: "/elsewhere",
  name,
  keyPath: null,
  isMember: false,
});

const CREATED = "Transaction created for certificate /x!\n\n";
const COMMITTED = "Committing /x..\nSuccess!\n\n";
const SHOWN = `Filename: /x\nStatus: Used\nSHA1 FingerPrint: ${sha1Of(made.pair.certificate)}\n\n`;
const NOT_REFERENCED =
  "Can't replace a certificate which is not referenced by the configuration!\nCan't update /x!\n";
const MISMATCH =
  "inconsistencies between private key and certificate loaded '/x'.\nCan't commit /x!\n\n";

const SET = `set ssl cert /x <<\n${made.pair.pem}`;

/** Replaces the certificate `name` of a process that gives these answers. */
async function certificate(
  answers: readonly Answer[],
  { name = "/x", text = made.pair.pem, key = null as string | null, apply = true } = {},
): Promise<[Awaited<ReturnType<typeof applyCertificate>>, Script["commands"]]> {
  const { ask, commands } = script(...answers);
  const options = { ask, apply, key, nowMs: UNTIL.getTime() - 1 };
  return [await applyCertificate(certificateOf(name), text, options), commands];
}

const REPLACED = { tag: "applied", detail: "expires 2100-02-03" } as const;

Deno.test("a certificate is set, committed and read back", async () => {
  const [result, commands] = await certificate([CREATED, COMMITTED, SHOWN]);
  assert.deepEqual(result, REPLACED);
  assert.deepEqual(commands, [SET, "commit ssl cert /x", "show ssl cert /x"]);
});

Deno.test("a payload has no blank line, and the key from beside the certificate", async () => {
  const { certificate: text, key } = made.pair;
  const crlf = `\r\n# a comment\r\n\r\n${text.replaceAll("\n", "\r\n\r\n")}`;
  const [result, commands] = await certificate([CREATED, COMMITTED, SHOWN], { text: crlf, key });
  assert.deepEqual(result, REPLACED);
  assert.equal(commands[0], SET);
});

Deno.test("a name is one word in each command, whatever is in it", async () => {
  const name = "/a b;\\c";
  const created = `Transaction created for certificate ${name}!\n`;
  const [result, commands] = await certificate([created, COMMITTED, SHOWN], { name });
  assert.deepEqual(result, REPLACED);
  assert.deepEqual(commands.map((command) => command.split("\n")[0]), [
    "set ssl cert /a\\ b\\;\\\\c <<",
    "commit ssl cert /a\\ b\\;\\\\c",
    "show ssl cert /a\\ b\\;\\\\c",
  ]);
});

Deno.test("an unfit certificate is refused without a word to HAProxy", async () => {
  for (const apply of [true, false]) {
    const [result, commands] = await certificate([], { key: null, text: "", apply });
    assert.deepEqual(result, {
      tag: "refused",
      reason: "is empty",
      awaited: "a certificate",
      fitFromMs: null,
    });
    assert.deepEqual(commands, []);
  }
});

Deno.test("a certificate that cannot be read is left to a reload without a word to HAProxy", async () => {
  for (const apply of [true, false]) {
    assert.deepEqual(await certificate([], { text: made.pair.key, apply }), [
      { tag: "impossible", reason: "it holds no certificate" },
      [],
    ]);
  }
});

Deno.test("a fit certificate that is not to be applied is left to a reload", async () => {
  const [result, commands] = await certificate([], { apply: false });
  assert.equal(result.tag, "impossible");
  assert.deepEqual(commands, []);
});

Deno.test("a certificate that is too long for HAProxy is not sent", async () => {
  const text = made.pair.certificate + made.authority.certificate.repeat(30) + made.pair.key;
  assert.deepEqual(await certificate([], { text }), [
    { tag: "impossible", reason: "it is longer than HAProxy takes at once" },
    [],
  ]);
});

Deno.test("what HAProxy does not let be set is aborted, not committed", async () => {
  assert.deepEqual(await certificate([NOT_REFERENCED, "\n"]), [
    {
      tag: "impossible",
      reason: "HAProxy says \"Can't replace a certificate which is not referenced by the " +
        'configuration!"',
    },
    [SET, "abort ssl cert /x"],
  ]);
});

Deno.test("silence to what was set is no consent", async () => {
  const [result, commands] = await certificate([null, null]);
  assert.deepEqual(result, { tag: "impossible", reason: "HAProxy does not answer" });
  assert.deepEqual(commands, [SET, "abort ssl cert /x"]);
});

for (const target of ["/other", "/x"]) {
  const what = target === "/x" ? "the same" : "another";
  Deno.test(`somebody else's transaction for ${what} certificate is aborted, since it is spoilt`, async () => {
    const updated = `Transaction updated for certificate ${target}!\n`;
    const [result, commands] = await certificate([updated, "\n"]);
    assert.deepEqual(result, {
      tag: "impossible",
      reason: `somebody else has changed "${target}" without committing it`,
    });
    assert.deepEqual(commands, [SET, `abort ssl cert ${target}`]);
  });
}

Deno.test("a transaction for a certificate whose name only ends alike is not committed", async () => {
  for (const name of ["/a/x", "x", "/x.pem"]) {
    const [result, commands] = await certificate([
      `Transaction created for certificate ${name}!\n`,
      "\n",
    ]);
    assert.equal(result.tag, "impossible", name);
    assert.match(commands[1]!, /^abort /);
    assert.equal(commands.length, 2);
  }
});

Deno.test("a transaction that was opened for another certificate is the one that is aborted", async () => {
  // HAProxy 2.6 takes ".crt" for the kind of the payload, and there may be an "/x.pem" as well.
  const created = "Transaction created for certificate /x.pem!\n";
  const [result, commands] = await certificate([created, "\n"], { name: "/x.pem.crt" });
  assert.equal(result.tag, "impossible");
  assert.deepEqual(commands.slice(1), ["abort ssl cert /x.pem"]);
});

Deno.test("a certificate .crt is set once more with .crt behind it, as HAProxy 2.6 wants it", async () => {
  const created = "Transaction created for certificate /x.crt!\n";
  const [result, commands] = await certificate([NOT_REFERENCED, created, COMMITTED, SHOWN], {
    name: "/x.crt",
  });
  assert.deepEqual(result, REPLACED);
  assert.deepEqual(commands.map((command) => command.split("\n")[0]), [
    "set ssl cert /x.crt <<",
    "set ssl cert /x.crt.crt <<",
    "commit ssl cert /x.crt",
    "show ssl cert /x.crt",
  ]);
  const [usual] = await certificate([created, COMMITTED, SHOWN], { name: "/x.crt" });
  assert.deepEqual(usual, REPLACED);
  const [again, asked] = await certificate([NOT_REFERENCED, NOT_REFERENCED, "\n"], {
    name: "/x.crt",
  });
  assert.equal(again.tag, "impossible");
  assert.equal(asked[2], "abort ssl cert /x.crt");
});

Deno.test("a pair that HAProxy finds not to match is aborted and refused", async () => {
  const [result, commands] = await certificate([CREATED, MISMATCH, "\n"]);
  assert.deepEqual(result, {
    tag: "refused",
    reason: "does not match its private key",
    awaited: "the other of the pair",
    fitFromMs: null,
  });
  assert.deepEqual(commands, [SET, "commit ssl cert /x", "abort ssl cert /x"]);
});

for (const answer of ["Can't commit /x!\n", "", null]) {
  const said = answer === null ? "silence" : `the answer "${answer.trim()}"`;
  Deno.test(`after ${said} to the commit nobody knows what is served`, async () => {
    const [result, commands] = await certificate([CREATED, answer, answer === null ? null : "\n"]);
    assert.equal(result.tag, "unconfirmed");
    assert.deepEqual(commands, [SET, "commit ssl cert /x", "abort ssl cert /x"]);
  });
}

Deno.test("why a commit failed is said, not that it was begun", async () => {
  const [result] = await certificate([CREATED, "Committing /x..\nError: out of memory\n", "\n"]);
  assert.deepEqual(result, {
    tag: "unconfirmed",
    reason: 'HAProxy says "Error: out of memory"',
  });
});

Deno.test("silence after the commit is told as such", async () => {
  const [result] = await certificate([CREATED, COMMITTED, null]);
  assert.deepEqual(result, { tag: "unconfirmed", reason: "HAProxy does not answer" });
});

/** What HAProxy 2.6 shows of a certificate whose kind of key it does not know. */
const withoutFingerprint = (serial: string, notAfter = "Feb  3 04:05:06 2100 GMT") =>
  `Filename: /x\nStatus: Used\nSerial: ${serial}\nnotAfter: ${notAfter}\nSHA1 FingerPrint: \n\n`;

Deno.test("where no fingerprint is shown the serial number and the last moment confirm", async () => {
  const text = made.ed25519.pem;
  const serial = new X509Certificate(made.ed25519.certificate).serialNumber;
  for (const one of [serial, `00${serial.toLowerCase()}`]) {
    const [result] = await certificate([CREATED, COMMITTED, withoutFingerprint(one)], { text });
    assert.deepEqual(result, REPLACED);
  }
  const stranger = new X509Certificate(made.stranger.certificate).serialNumber;
  const others = [
    ...[withoutFingerprint(stranger), withoutFingerprint(serial, "Feb  3 04:05:07 2100 GMT")],
    `SHA1 FingerPrint: ${sha1Of(made.stranger.certificate)}\n${withoutFingerprint(serial)}`,
  ];
  for (const shown of others) {
    const [result] = await certificate([CREATED, COMMITTED, shown], { text });
    assert.equal(result.tag, "unconfirmed");
  }
});

Deno.test("a certificate that is not shown after the commit is not confirmed", async () => {
  const other = SHOWN.replace(/\w+\n\n/, `${sha1Of(made.stranger.certificate)}\n\n`);
  for (const shown of [other, "", null]) {
    const [result] = await certificate([CREATED, COMMITTED, shown]);
    assert.equal(result.tag, "unconfirmed");
  }
});

/** The first question, what was trusted before, is answered by itself and not among the commands. */
const trust = (...answers: readonly Answer[]) => {
  const { ask, commands } = script(...answers);
  const target = { tag: "ca_file", path: "/elsewhere", name: "/x" } as const;
  let isFirst = true;
  const answer = (command: string) => {
    if (!isFirst) return ask(command);
    isFirst = false;
    assert.equal(command, "show ssl ca-file /x");
    return Promise.resolve(caShown(made.authority.certificate));
  };
  return { commands, replace: (text: string) => applyCaFile(target, text, answer) };
};

const CA_CREATED = "transaction created for CA /x!\n\n";
const CA_UPDATED = "transaction updated for CA /x!\n\n";
const BOTH = made.authority.certificate + made.other.certificate;
const caShown = (...certificates: readonly string[]) =>
  certificates.map((one, index) =>
    `Certificate #${index + 1}:\nSHA1 FingerPrint: ${sha1Of(one)}\n\n`
  ).join("");
const BOTH_SHOWN = caShown(made.other.certificate, made.authority.certificate);

Deno.test("CA certificates are set, committed and read back in any order", async () => {
  const { commands, replace } = trust(CA_CREATED, COMMITTED, BOTH_SHOWN);
  assert.deepEqual(await replace(`# ours\r\n${BOTH.replaceAll("\n", "\r\n")}\r\n`), {
    tag: "applied",
    detail: "2 certificates",
  });
  assert.deepEqual(commands, [
    `set ssl ca-file /x <<\n${BOTH}`,
    "commit ssl ca-file /x",
    "show ssl ca-file /x",
  ]);
});

Deno.test("an authority that is removed is left to a reload, which ends its sessions", async () => {
  const { commands, replace } = trust();
  assert.deepEqual(await replace(made.other.certificate), { tag: "impossible", reason: SESSIONS });
  assert.deepEqual(commands, []);
});

Deno.test("nothing but certificates of a CA file is sent", async () => {
  const { commands, replace } = trust(CA_CREATED, COMMITTED, BOTH_SHOWN);
  assert.equal((await replace(made.pair.key + BOTH)).tag, "applied");
  assert.equal(commands[0], `set ssl ca-file /x <<\n${BOTH}`);
});

Deno.test("a CA file that holds a CRL besides is left to a reload", async () => {
  const { commands, replace } = trust();
  assert.deepEqual(await replace(BOTH + made.crl), {
    tag: "impossible",
    reason: "it holds a CRL besides",
  });
  assert.deepEqual(commands, []);
});

Deno.test("more CA certificates than HAProxy takes at once are added in portions", async () => {
  const text = BOTH.repeat(20);
  const { commands, replace } = trust(CA_CREATED, CA_UPDATED, COMMITTED, BOTH_SHOWN);
  assert.deepEqual(await replace(text), { tag: "applied", detail: "2 certificates" });
  const lines = commands.map((command) => command.split("\n")[0]);
  assert.deepEqual(lines, [
    "set ssl ca-file /x <<",
    "add ssl ca-file /x <<",
    "commit ssl ca-file /x",
    "show ssl ca-file /x",
  ]);
  const sent = commands.slice(0, 2).map((command) => command.slice(command.indexOf("\n") + 1));
  assert.equal(sent.join(""), text);
  assert.ok(commands.every((command) => command.length < 16_000));
});

Deno.test("where a version cannot add CA certificates nothing is committed", async () => {
  const { commands, replace } = trust(CA_CREATED, "Unknown command: 'add ssl ca-file'\n", "\n");
  assert.equal((await replace(BOTH.repeat(20))).tag, "impossible");
  assert.equal(commands.at(-1), "abort ssl ca-file /x");
});

for (const answer of ["transaction created for CA /other!\n", "Can't update /x!\n", "", null]) {
  Deno.test(`CA certificates are aborted after ${JSON.stringify(answer)}`, async () => {
    const { commands, replace } = trust(answer, answer === null ? null : "\n");
    assert.equal((await replace(BOTH)).tag, "impossible");
    assert.deepEqual(commands.slice(1), ["abort ssl ca-file /x"]);
  });
}

Deno.test("CA certificates that are not committed, or not shown, are not confirmed", async () => {
  const { commands, replace } = trust(CA_CREATED, "Can't commit /x!\n", "\n");
  assert.equal((await replace(BOTH)).tag, "unconfirmed");
  assert.deepEqual(commands.slice(1), ["commit ssl ca-file /x", "abort ssl ca-file /x"]);
  const one = caShown(made.other.certificate);
  const third = BOTH_SHOWN + caShown(made.pair.certificate);
  for (const shown of [one, third, "", null]) {
    const { replace } = trust(CA_CREATED, COMMITTED, shown);
    assert.equal((await replace(BOTH)).tag, "unconfirmed");
  }
});

Deno.test("a CA file without certificates, or with one of nonsense, is left to a reload", async () => {
  const nonsense = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
  for (const text of ["", made.pair.key, BOTH + nonsense]) {
    const { commands, replace } = trust();
    assert.deepEqual(await replace(text), {
      tag: "impossible",
      reason: "it holds no certificates, or some that cannot be read",
    });
    assert.deepEqual(commands, []);
  }
});

const SESSIONS = "clients are not trusted any more, and only a reload ends their sessions";

/** Whom the list revokes that is used, and what is shown of the one that is set. */
interface Before {
  readonly old?: Answer;
  readonly set?: Answer;
}

/** The questions who was revoked before, and who will be, are answered by themselves, and not among the commands. */
const revocations = (answers: readonly Answer[], { old = "", set = BOTH_ISSUED }: Before = {}) => {
  const { ask, commands } = script(...answers);
  const target = { tag: "crl_file", path: "/elsewhere", name: "/x" } as const;
  const answer = (command: string) => {
    const isAsked = command.startsWith("show") && !commands.at(-1)!.startsWith("commit");
    return isAsked ? Promise.resolve(command.includes("*") ? set : old) : ask(command);
  };
  return { commands, replace: (text: string) => applyCrlFile(target, text, answer) };
};

/** A CRL of which only the issue time is real, in the form of that tag. */
function crlOf(tag: number, time: string): string {
  const bytes = new TextEncoder().encode(`issuer${String.fromCharCode(tag, time.length)}${time}`);
  return `-----BEGIN X509 CRL-----\n${bytes.toBase64()}\n-----END X509 CRL-----\n`;
}

const CRL_CREATED = "transaction created for CRL /x!\n\n";
const EARLY = crlOf(0x17, "300102030405Z");
const LATE = crlOf(0x18, "21300203040506Z");
const issued = (...times: readonly string[]) =>
  times.map((time) => `Issuer: /CN=a\nLast Update: ${time}\nNext Update: no\n`).join("");
const EARLY_ISSUED = issued("Jan  2 03:04:05 2030 GMT");
const BOTH_ISSUED = issued("Feb  3 04:05:06 2130 GMT") + EARLY_ISSUED;

Deno.test("CRLs are set, committed and read back by their issue times in any order", async () => {
  const { commands, replace } = revocations([CRL_CREATED, COMMITTED, BOTH_ISSUED]);
  assert.deepEqual(await replace(`\n${EARLY}\n${LATE}\n`), { tag: "applied", detail: "2 CRLs" });
  assert.deepEqual(commands, [
    `set ssl crl-file /x <<\n${EARLY}${LATE}`,
    "commit ssl crl-file /x",
    "show ssl crl-file /x",
  ]);
});

const revokedOf = (...serials: readonly string[]) =>
  serials.map((serial) => `    Serial Number: ${serial}\n        Revocation Date: no\n`).join("");

Deno.test("one more revocation is left to a reload, the same or less are not", async () => {
  const both = revokedOf("0A", "0B");
  const before = { old: revokedOf("0A"), set: EARLY_ISSUED + both };
  const { commands, replace } = revocations([CRL_CREATED, "\n"], before);
  assert.deepEqual(await replace(EARLY), { tag: "impossible", reason: SESSIONS });
  assert.equal(commands.at(-1), "abort ssl crl-file /x");
  for (const revoked of [both, revokedOf("0B")]) {
    const before = { old: both, set: BOTH_ISSUED + revoked };
    const { replace } = revocations([CRL_CREATED, COMMITTED, BOTH_ISSUED], before);
    assert.equal((await replace(EARLY + LATE)).tag, "applied");
  }
});

Deno.test("without an answer who was revoked before any revocation counts as one more", async () => {
  const set = EARLY_ISSUED + revokedOf("0A");
  for (const old of ["", null]) {
    const { commands, replace } = revocations([CRL_CREATED, "\n"], { old, set });
    assert.deepEqual(await replace(EARLY), { tag: "impossible", reason: SESSIONS });
    assert.equal(commands.at(-1), "abort ssl crl-file /x");
  }
});

const UNSEEN = "HAProxy does not show all of what it was given";
const UNSEEN_CRLS = [
  ["an empty answer", "", UNSEEN],
  ["no answer", null, "HAProxy does not answer"],
  ["an error", "Can't display the CRL file : Not found!\n", UNSEEN],
  ["another list", EARLY_ISSUED.replace("2030", "2031"), UNSEEN],
  ["a list more", BOTH_ISSUED, UNSEEN],
] as const;
for (const [what, set, reason] of UNSEEN_CRLS) {
  Deno.test(`after ${what} to what was set CRLs are aborted, not committed`, async () => {
    const { commands, replace } = revocations([CRL_CREATED, "\n"], { set });
    assert.deepEqual(await replace(EARLY), { tag: "impossible", reason });
    assert.deepEqual(commands.slice(1), ["abort ssl crl-file /x"]);
  });
}

Deno.test("a real CRL is found by the times in it", async () => {
  const shown = [made.crl, made.otherCrl].map(shownOf).join("");
  const { replace } = revocations([CRL_CREATED, COMMITTED, shown], { old: shown, set: shown });
  assert.deepEqual(await replace(made.crl + made.otherCrl), { tag: "applied", detail: "2 CRLs" });
});

Deno.test("a CRL whose last revocation is not shown is left to a reload", async () => {
  const whole = shownOf(made.crl);
  const set = whole.slice(0, whole.lastIndexOf("    Serial Number:"));
  assert.match(set, /Serial Number:/);
  const { commands, replace } = revocations([CRL_CREATED, "\n"], { old: set, set });
  assert.deepEqual(await replace(made.crl), { tag: "impossible", reason: UNSEEN });
  assert.deepEqual(commands.slice(1), ["abort ssl crl-file /x"]);
});

Deno.test("CRLs that are not shown after the commit are not confirmed", async () => {
  const [one, more] = [EARLY_ISSUED, BOTH_ISSUED + EARLY_ISSUED];
  for (const shown of [one, BOTH_ISSUED.replace("2130", "2030"), more, "", null]) {
    const { replace } = revocations([CRL_CREATED, COMMITTED, shown]);
    assert.equal((await replace(EARLY + LATE)).tag, "unconfirmed");
  }
});

const CRL_FAULTS = ["transaction updated for CRL /x!\n", "Can't update /x!\n", "", null];
for (const answer of CRL_FAULTS) {
  Deno.test(`CRLs are aborted after ${JSON.stringify(answer)}`, async () => {
    const { commands, replace } = revocations([answer, answer === null ? null : "\n"]);
    assert.equal((await replace(EARLY)).tag, "impossible");
    assert.deepEqual(commands.slice(1), ["abort ssl crl-file /x"]);
  });
}

Deno.test("CRLs that are not committed are aborted", async () => {
  const { commands, replace } = revocations([CRL_CREATED, "Can't commit /x!\n", "\n"]);
  assert.equal((await replace(EARLY + LATE)).tag, "unconfirmed");
  assert.deepEqual(commands.slice(1), ["commit ssl crl-file /x", "abort ssl crl-file /x"]);
});

Deno.test("a CRL file without a list, with one of nonsense, or too long is left to a reload", async () => {
  const nonsense = "-----BEGIN X509 CRL-----\nAAEC\n-----END X509 CRL-----\n";
  for (const text of ["", made.pair.certificate, EARLY + nonsense, made.crl.repeat(80)]) {
    const { commands, replace } = revocations([]);
    assert.equal((await replace(text)).tag, "impossible");
    assert.deepEqual(commands, []);
  }
});

/** As openssl and HAProxy write it. */
function shownOf(crl: string): string {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, crl);
  const args = ["crl", "-in", path, "-noout", "-text"];
  const { stdout } = new Deno.Command("openssl", { args }).outputSync();
  Deno.removeSync(path);
  return new TextDecoder().decode(stdout);
}
