/** Every form of certificate and key is hot-applied. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "@std/path";
import { haproxyTaking, testNeeding } from "../../support/needs.ts";
import { commonTest, NOT_AS_PROCESS_1, RUNNABLE } from "../../support/wrapper/program.ts";
import { Secured, withoutReload } from "../../support/wrapper/secured.ts";
import { answerTo, servedTo } from "../../support/clients/tls_client.ts";

/** A section that not every branch of HAProxy has. */
const STORES = [RUNNABLE, NOT_AS_PROCESS_1, haproxyTaking("crt-store web")];

for (const kind of ["p521", "ed25519", "rsa-pss"] as const) {
  commonTest(
    `a certificate with a key of kind ${kind} is refused or applied like any other`,
    async () => {
      await using workspace = new Secured();
      const { authority, pem } = workspace;
      const [old, next] = [authority.issue(), authority.issue({ kind })];
      workspace.write("site.pem", old.pem);
      const wrapper = await workspace.serveSecure();
      await workspace.replace(next.certificate + authority.issue({ kind }).key, pem);
      await wrapper.says(/warning .*does not match .*private key/);
      assert.equal(await servedTo(workspace.tlsPort), old.fingerprint);
      await workspace.replace(next.pem, pem);
      // HAProxy 2.6 to 3.0 show no fingerprint for some kinds, so other facts confirm them.
      await wrapper.says(/ updated in generation 1 without a reload/);
      const shown = await workspace.askPrivately(`show ssl cert ${pem}`, 1);
      assert.ok(shown.includes(serialOf(next.certificate)), shown);
    },
  );
}

commonTest("a new chain is served with a new certificate", async () => {
  await using workspace = new Secured();
  const { authority } = workspace;
  const { wrapper, next } = await workspace.serveOld();
  assert.equal((await servedChain(workspace)).length, 1);
  await withoutReload(wrapper, async () => {
    await workspace.replace(next.pem + authority.certificate, workspace.pem);
    await workspace.servesCertificate(next, wrapper);
  });
  const serials = (await servedChain(workspace)).map(serialOf);
  assert.deepEqual(serials, [next.certificate, authority.certificate].map(serialOf));
});

commonTest("each certificate of a bundle is applied separately", async () => {
  await using workspace = new Secured();
  const { authority, pem } = workspace;
  const issue = () => [authority.issue(), authority.issue({ kind: "rsa" })] as const;
  const [ec, rsa] = issue();
  workspace.write("site.pem.ecdsa", ec.pem);
  workspace.write("site.pem.rsa", rsa.pem);
  const wrapper = await workspace.serveSecure();
  const [nextEc, nextRsa] = issue();
  await withoutReload(wrapper, async () => {
    await workspace.replace(nextEc.pem, `${pem}.ecdsa`);
    await workspace.servesCertificate(nextEc, wrapper);
    await workspace.replace(nextRsa.pem, `${pem}.rsa`);
    await wrapper.says(/certificate ".*\.rsa" updated in generation 1 /);
  });
  assert.equal(await answerTo(workspace.tlsPort), "one");
});

commonTest("a name may contain blanks, quotes and semicolons", async () => {
  await using workspace = new Secured();
  const directory = workspace.at(`od"d ;d\\ir ü`);
  Deno.mkdirSync(directory);
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
  const pem = join(directory, "a # b.pem");
  await Deno.writeTextFile(pem, old.pem);
  const wrapper = await workspace.serveSecure(workspace.securePage({ bind: `crt '${pem}'` }));
  await workspace.replace(next.pem, pem);
  await workspace.servesCertificate(next, wrapper);
  await wrapper.stopsAt(1);
  await wrapper.says(/ updated in generation 1 without a reload/);
});

commonTest("filters and options in a list stay in force", async () => {
  await using workspace = new Secured();
  const { authority } = workspace;
  const [old, next] = [authority.issue(), authority.issue()];
  workspace.write("site.pem", old.pem);
  const list = workspace.write("list.txt", `${workspace.pem} [alpn h2,http/1.1] *.test !no.test\n`);
  const bind = `crt-list ${list} strict-sni`;
  const wrapper = await workspace.serveSecure(workspace.securePage({ bind }));
  await withoutReload(wrapper, async () => {
    await workspace.replace(next.pem, workspace.pem);
    await workspace.servesCertificate(next, wrapper, { servername: "any.test" });
  });
  assert.equal(await servedTo(workspace.tlsPort, { servername: "no.test" }), null);
});

testNeeding(STORES, "certificates of a crt-store are applied, also for a new key", async () => {
  await using workspace = new Secured();
  const { authority } = workspace;
  const [old, next] = [authority.issue(), authority.issue()];
  const crt = workspace.write("store.crt", old.certificate);
  const key = workspace.write("store.key", old.key);
  const store = `crt-store web\n    load crt "${crt}" key "${key}" alias "site"\n`;
  const wrapper = await workspace.serveSecure(
    store + workspace.securePage({ bind: 'crt "@web/site"' }),
  );
  await withoutReload(wrapper, async () => {
    await workspace.replace(next.certificate, crt);
    await wrapper.says(/warning .*does not match/);
    assert.equal(await servedTo(workspace.tlsPort), old.fingerprint);
    await workspace.replace(next.key, key);
    await workspace.servesCertificate(next, wrapper);
  });
});

const serialOf = (certificate: string) => new X509Certificate(certificate).serialNumber;

/** The PEM texts of all certificates that a client gets. */
async function servedChain({ tlsPort }: Secured): Promise<string[]> {
  const args = ["s_client", "-connect", `127.0.0.1:${tlsPort}`, "-showcerts"];
  const { stdout } = await new Deno.Command("openssl", { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout);
  return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}
