import assert from "node:assert/strict";
import { Authority } from "../../../support/certificates.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import type { Answer } from "../../../support/haproxy/scripted_haproxy.ts";
import { applied, plan } from "../applied.ts";

const TARGET = { tag: "crl_file", path: "/elsewhere", name: "/x" } as const;

const CREATED = "transaction created for CRL /x!\n\n";
const COMMITTED = "Committing /x..\nSuccess!\n\n";

/** A CRL of which only the issue time is real, encoded by that tag. */
function crlOf(tag: number, time: string): string {
  const bytes = new TextEncoder().encode(`issuer${String.fromCharCode(tag, time.length)}${time}`);
  return `-----BEGIN X509 CRL-----\n${bytes.toBase64()}\n-----END X509 CRL-----\n`;
}

const EARLY = crlOf(0x17, "300102030405Z");
const LATE = crlOf(0x18, "21300203040506Z");
const issued = (...times: readonly string[]) =>
  times.map((time) => `Issuer: /CN=a\nLast Update: ${time}\nNext Update: no\n`).join("");
const EARLY_SHOWN = issued("Jan  2 03:04:05 2030 GMT");
const BOTH_SHOWN = issued("Feb  3 04:05:06 2130 GMT") + EARLY_SHOWN;
const revoked = (...serials: readonly string[]) =>
  serials.map((serial) => `    Serial Number: ${serial}\n        Revocation Date: no\n`).join("");

Deno.test("CRLs are set, compared, committed and read back by their times, in any order", async () => {
  const answers = [CREATED, "", BOTH_SHOWN, COMMITTED, BOTH_SHOWN];
  const [result, commands] = await applied(TARGET, `\n${EARLY}\n${LATE}\n`, answers);
  assert.deepEqual(result, { tag: "applied", detail: "2 CRLs" });
  assert.deepEqual(commands, [
    `set ssl crl-file /x <<\n${EARLY}${LATE}`,
    "show ssl crl-file /x",
    "show ssl crl-file */x",
    "commit ssl crl-file /x",
    "show ssl crl-file /x",
  ]);
});

const REVOKED = "clients are no longer trusted, and only a reload ends their sessions";
const UNSEEN = "HAProxy does not show all of what it was given";

/** The current and the pending lists as shown, and why they require a reload. */
const OBSTACLES: Readonly<Record<string, readonly [Answer, Answer, string]>> = {
  "one more revocation": [revoked("0A"), EARLY_SHOWN + revoked("0A", "0B"), REVOKED],
  "a revocation where none is known": ["", EARLY_SHOWN + revoked("0A"), REVOKED],
  "a revocation and no answer about those before": [null, EARLY_SHOWN + revoked("0A"), REVOKED],
  "an empty answer": ["", "", UNSEEN],
  "no answer": ["", null, "HAProxy does not answer"],
  "an error": ["", "Can't display the CRL file : Not found!\n", UNSEEN],
  "another list": ["", EARLY_SHOWN.replace("2030", "2031"), UNSEEN],
  "a list more": ["", BOTH_SHOWN, UNSEEN],
};

for (const [what, [used, pending, reason]] of Object.entries(OBSTACLES)) {
  Deno.test(`after ${what} CRLs are aborted, not committed`, async () => {
    const [result, commands] = await applied(TARGET, EARLY, [CREATED, used, pending, "\n"]);
    assert.deepEqual(result, { tag: "impossible", reason });
    assert.equal(commands[3], "abort ssl crl-file /x");
  });
}

Deno.test("the same revocations, or fewer, require no reload", async () => {
  for (const pending of [revoked("0A", "0B"), revoked("0B")]) {
    const answers = [CREATED, revoked("0A", "0B"), BOTH_SHOWN + pending, COMMITTED, BOTH_SHOWN];
    const [result] = await applied(TARGET, EARLY + LATE, answers);
    assert.equal(result.tag, "applied");
  }
});

Deno.test("a real CRL is identified by its times, and must be shown with its last revocation", async () => {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  [1, 2].forEach(() => authority.revoke(authority.issue()));
  const [crl, otherCrl] = [authority.crl(), new Authority(folder.at("other"), "Other").crl()];
  const shown = [crl, otherCrl].map(shownOf).join("");
  const answers = [CREATED, shown, shown, COMMITTED, shown];
  assert.deepEqual((await applied(TARGET, crl + otherCrl, answers))[0], {
    tag: "applied",
    detail: "2 CRLs",
  });
  const whole = shownOf(crl);
  const cut = whole.slice(0, whole.lastIndexOf("    Serial Number:"));
  assert.match(cut, /Serial Number:/);
  const [result] = await applied(TARGET, crl, [CREATED, cut, cut, "\n"]);
  assert.deepEqual(result, { tag: "impossible", reason: UNSEEN });
});

Deno.test("CRLs that cannot be set require a reload; if not committed or shown, they are unconfirmed", async () => {
  const [notSet] = await applied(TARGET, EARLY, ["Can't update /x!\n", "\n"]);
  assert.equal(notSet.tag, "impossible");
  const pending = [CREATED, "", BOTH_SHOWN];
  const [result] = await applied(TARGET, EARLY + LATE, [...pending, "Can't commit /x!\n", "\n"]);
  assert.equal(result.tag, "unconfirmed");
  const others = [
    ...[EARLY_SHOWN, BOTH_SHOWN.replace("2130", "2030"), BOTH_SHOWN + EARLY_SHOWN],
    ...["", null],
  ];
  for (const shown of others) {
    const [result] = await applied(TARGET, EARLY + LATE, [...pending, COMMITTED, shown]);
    assert.equal(result.tag, "unconfirmed");
  }
});

Deno.test("a CRL file without a list, or with a nonsensical one, requires a reload", async () => {
  const nonsense = "-----BEGIN X509 CRL-----\nAAEC\n-----END X509 CRL-----\n";
  for (const text of ["", "# none", EARLY + nonsense]) {
    assert.deepEqual(await plan(TARGET, text), {
      tag: "impossible",
      reason: "it holds no CRL, or one that cannot be read",
    });
  }
});

/** As openssl and HAProxy write them. */
function shownOf(crl: string): string {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, crl);
  const args = ["crl", "-in", path, "-noout", "-text"];
  const { stdout } = new Deno.Command("openssl", { args }).outputSync();
  Deno.removeSync(path);
  return new TextDecoder().decode(stdout);
}
