import assert from "node:assert/strict";
import { examineNewcomers, newcomersIn } from "../../../lib/hot_apply/newcomers.ts";
import type { FolderKind, Targets } from "../../../lib/loaded/targets.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";
import { Authority } from "../../support/certificates.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const targetsOf = (
  folders: Readonly<Record<string, FolderKind>>,
  replacesCrt = false,
): Targets => ({
  byPath: new Map(),
  replacesCrt,
  folders: new Map(Object.entries(folders)),
});

/** Each path with its content. */
function having(contents: Readonly<Record<string, string>>): Fingerprint {
  const marks = Object.entries(contents).map(([path, content]) =>
    [path, { content, modifiedMs: 0, stamp: content }] as const
  );
  return { digest: JSON.stringify(contents), files: new Map(marks) };
}

const NOTHING = having({});
const TARGETS = targetsOf({ "/certs": "certificate", "/cas": "ca" });

const found = (
  paths: readonly string[],
  {
    before = NOTHING as Fingerprint | null,
    tried = null as Fingerprint | null,
    targets = TARGETS,
  } = {},
) => {
  const after = having(Object.fromEntries(paths.map((path) => [path, "new"])));
  return newcomersIn(targets, { before, after, tried }).map(({ path, kind }) => `${kind} ${path}`);
};

Deno.test("only new files in a directory of certificates are found", () => {
  assert.deepEqual(found(["/certs/a", "/certs/b.pem", "/c.pem", "/certs/d/e.pem", "/certs"]), [
    ...["certificate /certs/a", "certificate /certs/b.pem"],
  ]);
  assert.deepEqual(found(["/certs/a", "/certs/b"], { before: having({ "/certs/a": "old" }) }), [
    "certificate /certs/b",
  ]);
});

Deno.test("in a directory of CA files only the extensions that HAProxy loads count", () => {
  const paths = ["pem", "crt", "cer", "crl", "txt", "key"].map((one) => `/cas/a.${one}`);
  assert.deepEqual(found(paths), ["pem", "crt", "cer", "crl"].map((one) => `ca /cas/a.${one}`));
});

Deno.test("a side file counts only if its certificate is missing", () => {
  for (const extension of ["key", "ocsp", "sctl", "issuer"]) {
    const path = `/certs/a.${extension}`;
    assert.deepEqual(found([path]), [`side_file ${path}`]);
    const before = having({ "/certs/a": "new", "/certs/a.crt": "new" });
    assert.deepEqual(found(["/certs/a", path], { before }), []);
    assert.deepEqual(found(["/certs/a.crt", path], { before }), []);
  }
});

Deno.test("none is found if it is unknown what is served, or after a reload with the same files failed", () => {
  assert.deepEqual(found(["/certs/a"], { before: null }), []);
  assert.deepEqual(found(["/certs/a"], { targets: { byPath: new Map(), replacesCrt: false } }), []);
  assert.deepEqual(found(["/certs/a"], { tried: having({ "/certs/a": "new" }) }), []);
  assert.deepEqual(found(["/certs/a"], { tried: having({ "/certs/a": "other" }) }).length, 1);
});

Deno.test("of 10,000 files only 100 are examined", () => {
  const paths = Array.from({ length: 10_000 }, (_, index) => `/certs/${index}.pem`);
  assert.equal(found(paths).length, 100);
});

/** The flaw of a file with `text` in a directory of that kind, with a key beside it. */
async function flaw(
  text: string | null,
  { kind = "certificate" as FolderKind, key = null as string | null, content = "new" } = {},
): Promise<string | null> {
  await using folder = new TempFolder();
  const path = folder.at("a.pem");
  if (text !== null) folder.write("a.pem", text);
  if (key !== null) folder.write("a.pem.key", key);
  const after = having({ [path]: content });
  const targets = targetsOf({ [folder.path]: kind });
  const newcomers = newcomersIn(targets, { before: NOTHING, after, tried: null });
  assert.equal(newcomers.length, 1);
  const [one] = await examineNewcomers(newcomers, after);
  assert.equal(one?.path ?? path, path);
  return one?.reason ?? null;
}

Deno.test("the flaw of a certificate is found; an expired one has none", async () => {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  const [one, other] = [authority.issue(), authority.issue()];
  const [from, until] = [new Date("2020-01-01T00:00:00Z"), new Date("2021-01-01T00:00:00Z")];
  const expired = authority.issue({ from, until });
  const { certificate, key, pem } = one;
  assert.equal(await flaw(pem), null);
  assert.equal(await flaw(expired.pem), null);
  assert.equal(await flaw(key + certificate + authority.certificate), null);
  assert.equal(await flaw(certificate, { key }), null);
  assert.equal(await flaw(" \n"), "is empty");
  assert.equal(await flaw(key), "holds no certificate");
  assert.equal(await flaw(certificate), "has no private key, in it or beside it");
  assert.equal(await flaw(certificate, { key: key.slice(0, 60) }), await flaw(certificate));
  assert.equal(await flaw(certificate + other.key), "does not match the private key in it");
  assert.equal(
    await flaw(certificate, { key: other.key }),
    "does not match the private key beside it",
  );
  const lines = (pem + authority.certificate).split("\n");
  const cut = lines.slice(0, -3).join("\n");
  assert.equal(await flaw(cut), "ends in the middle of a block");
});

Deno.test("a certificate cut off at any byte is flawed", async () => {
  await using folder = new TempFolder();
  const { pem } = new Authority(folder.at("ca")).issue();
  // OpenSSL accepts a last line without its end.
  for (let length = 0; length < pem.trimEnd().length; length += 97) {
    assert.notEqual(await flaw(pem.slice(0, length)), null, `${length} characters`);
  }
});

Deno.test("CA files and CRLs need no key", async () => {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  const { certificate } = authority;
  const kind = "ca";
  assert.equal(await flaw(certificate, { kind }), null);
  assert.equal(await flaw(authority.crl(), { kind }), null);
  assert.equal(await flaw("", { kind }), "is empty");
  assert.equal(await flaw("# none", { kind }), "holds no certificate");
  assert.equal(await flaw(certificate.slice(0, 99), { kind }), "ends in the middle of a block");
});

Deno.test("an unreadable file is flawed; a removed or too large one is left to HAProxy", async () => {
  assert.equal(await flaw("", { content: "unreadable 1" }), "cannot be read");
  assert.equal(await flaw("", { content: "too large 1" }), null);
  assert.equal(await flaw(null), null);
  assert.equal(await flaw(`${"#".repeat(79)}\n`.repeat(30_000)), null);
});

Deno.test("the key of a .crt is where HAProxy looks for it", async () => {
  await using folder = new TempFolder();
  const { certificate, key } = new Authority(folder.at("ca")).issue();
  const path = folder.write("certs/a.crt", certificate);
  folder.write("certs/a.key", key);
  const after = having({ [path]: "new" });
  for (const [replacesCrt, count] of [[true, 0], [false, 1]] as const) {
    const targets = targetsOf({ [folder.at("certs")]: "certificate" }, replacesCrt);
    const newcomers = newcomersIn(targets, { before: NOTHING, after, tried: null });
    assert.equal((await examineNewcomers(newcomers, after)).length, count);
  }
});
