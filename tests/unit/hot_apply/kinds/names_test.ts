import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { namesake, namesIn } from "../../../../lib/hot_apply/kinds/names.ts";
import { sha256 } from "../../../../lib/system/files/contents.ts";
import { Authority } from "../../../support/certificates.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

Deno.test("a certificate is for its alternative names and its common name", () => {
  const subjectAltName = "DNS:A.test, DNS:*.b.test, IP Address:10.0.0.1";
  assert.deepEqual(namesIn({ subject: "O=x\nCN=c.test", subjectAltName }), [
    ...["a.test", "*.b.test", "c.test"],
  ]);
  assert.deepEqual(namesIn({}), []);
});

Deno.test("names that are written in an unusual way are not guessed", () => {
  assert.equal(namesIn({ subjectAltName: 'DNS:"a, DNS:b"' }), null);
  assert.equal(namesIn({ subject: "CN=a\\,b" }), null);
});

Deno.test("the first other certificate for one of the names is told", async () => {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  const own = new X509Certificate(authority.issue({ name: "a.test" }).certificate);
  const texts = new Map([
    [folder.at("1"), authority.issue({ name: "b.test" }).pem],
    [folder.at("2"), authority.issue({ name: "a.test" }).pem],
  ]);
  const files = new Map();
  for (const [path, text] of texts) {
    Deno.writeTextFileSync(path, text);
    const content = await sha256(new TextEncoder().encode(text));
    files.set(path, { content, modifiedMs: 0, stamp: "" });
  }
  const [first, second] = [...texts.keys()] as [string, string];
  assert.equal(await namesake(own, [first], files), null);
  assert.equal(await namesake(own, [first, second], files), `"${second}" is for "a.test" as well`);
  // What goes by the same change is not there any more.
  assert.equal(await namesake(own, [folder.at("3"), first], files), null);
  // Known by its digest; nobody reads it again.
  Deno.removeSync(first);
  assert.equal(await namesake(own, [first], files), null);
  assert.equal(await namesake(own, [], files), null);
  assert.equal(await namesake(own, [first], files), `the names in "${first}" cannot be read`);
  Deno.writeTextFileSync(second, "something else");
  assert.equal(await namesake(own, [second], files), `the names in "${second}" cannot be read`);
});
