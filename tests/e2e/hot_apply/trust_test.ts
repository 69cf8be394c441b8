/** Hot-applied CA files and CRLs, as clients with certificates see them. */
import assert from "node:assert/strict";
import { Authority, type Pair } from "../../support/certificates.ts";
import { commonTest } from "../../support/wrapper/program.ts";
import { quoted, Secured, withoutReload } from "../../support/wrapper/secured.ts";
import { answerTo } from "../../support/clients/tls_client.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** A workspace that wants client certificates from the authorities in the file `ca.pem`. */
class Trusting extends Secured {
  readonly other = new Authority(this.at("other-ca"), "Other CA");
  readonly caFile = this.at("ca.pem");
  readonly crlFile = this.at("crl.pem");
  readonly own = this.authority.issue({ name: "client" });
  readonly others = this.other.issue({ name: "client" });

  constructor() {
    super();
    this.write("site.pem", this.authority.issue().pem);
    this.write("ca.pem", this.authority.certificate);
    this.write("crl.pem", this.authority.crl());
  }

  async serveTrusting(options = ""): Promise<Wrapper> {
    const bind = `crt ${this.pem} verify required ca-file ${this.caFile} ${options}`;
    return await this.serveSecure(this.securePage({ bind }));
  }

  async answers(own = this.own): Promise<string | null> {
    return await answerTo(this.tlsPort, { own });
  }

  /** During a handoff the old process keeps accepting for a moment, with what it trusts. */
  async trusts(own: Pair, wrapper: Wrapper): Promise<void> {
    await wrapper.until("the client to be trusted", async () => await this.answers(own) === "one");
  }

  async refuses(wrapper: Wrapper): Promise<void> {
    await wrapper.until("the client to be refused", async () => await this.answers() === null);
  }
}

commonTest("an added authority is trusted without a reload", async () => {
  await using workspace = new Trusting();
  const wrapper = await workspace.serveTrusting();
  assert.equal(await workspace.answers(workspace.others), null);
  await withoutReload(wrapper, async () => {
    const both = workspace.authority.certificate + workspace.other.certificate;
    await workspace.replace(both, workspace.caFile);
    const update = `CA file "${quoted(workspace.caFile)}" updated in generation 1 without a reload`;
    await wrapper.says(`info .*${update} in \\d+ ms \\(2 certificates\\)`);
    assert.equal(await workspace.answers(), "one");
    assert.equal(await workspace.answers(workspace.others), "one");
  });
});

commonTest("removing an authority requires a reload, which ends its sessions", async () => {
  await using workspace = new Trusting();
  const wrapper = await workspace.serveTrusting();
  await workspace.replace(workspace.other.certificate, workspace.caFile);
  await wrapper.says(/reloading: .*clients are no longer trusted/);
  await workspace.refuses(wrapper);
  await workspace.trusts(workspace.others, wrapper);
  await wrapper.stopsAt(2);
});

commonTest("revoking a client requires a reload, which ends its sessions", async () => {
  await using workspace = new Trusting();
  const stays = workspace.authority.issue({ name: "client" });
  const wrapper = await workspace.serveTrusting(`crl-file ${workspace.crlFile}`);
  assert.equal(await workspace.answers(), "one");
  workspace.authority.revoke(workspace.own);
  await workspace.replace(workspace.authority.crl(), workspace.crlFile);
  await wrapper.says(/reloading: .*clients are no longer trusted/);
  await workspace.refuses(wrapper);
  assert.equal(await workspace.answers(stays), "one");
  await wrapper.stopsAt(2);
});

commonTest("a reissued CRL without a new revocation requires no reload", async () => {
  await using workspace = new Trusting();
  workspace.authority.revoke(workspace.authority.issue({ name: "client" }));
  workspace.write("crl.pem", workspace.authority.crl());
  const wrapper = await workspace.serveTrusting(`crl-file ${workspace.crlFile}`);
  await withoutReload(wrapper, async () => {
    const certificates = workspace.authority.certificate + workspace.other.certificate;
    await workspace.replace(certificates, workspace.caFile);
    await workspace.replace(workspace.authority.crl() + workspace.other.crl(), workspace.crlFile);
    await wrapper.says(/CA file .* updated in generation 1 /);
    await wrapper.says(`info .*CRL file "${quoted(workspace.crlFile)}" updated in generation 1 `);
    assert.equal(await workspace.answers(workspace.others), "one");
  });
});

commonTest("a CRL too long for HAProxy to show requires a reload", async () => {
  await using workspace = new Trusting();
  workspace.authority.revokeMany(240);
  workspace.write("crl.pem", workspace.authority.crl());
  const wrapper = await workspace.serveTrusting(`crl-file ${workspace.crlFile}`);
  workspace.authority.revoke(workspace.own);
  await workspace.replace(workspace.authority.crl(), workspace.crlFile);
  // Versions other than 2.6 may show it in full.
  await wrapper.says(/reloading: .*(?:does not show all|clients are no longer trusted)/);
  await workspace.refuses(wrapper);
  await wrapper.stopsAt(2);
});

commonTest("certificates and CA files are never hot-applied in one generation", async () => {
  await using workspace = new Trusting();
  const wrapper = await workspace.serveTrusting();
  const { authority, other } = workspace;
  const next = authority.issue();
  await workspace.replace(authority.certificate + other.certificate, workspace.caFile);
  await wrapper.says(/CA file .* updated in generation 1 /);
  await workspace.replace(next.pem, workspace.pem);
  await wrapper.says(/generation 2 serves/);
  await workspace.servesCertificate(next, wrapper, { own: workspace.own });
  const third = new Authority(workspace.at("third-ca"), "Third CA");
  const last = authority.issue();
  await workspace.replace(last.pem, workspace.pem);
  await wrapper.says(/certificate .* updated in generation 2 /);
  const three = authority.certificate + other.certificate + third.certificate;
  await workspace.replace(three, workspace.caFile);
  await wrapper.says(/generation 3 serves/);
  await workspace.servesCertificate(last, wrapper, { own: workspace.own });
  await workspace.trusts(third.issue({ name: "client" }), wrapper);
});

commonTest("a CA file longer than HAProxy's buffer is trusted completely", async () => {
  await using workspace = new Trusting();
  const all = Array.from(
    { length: 40 },
    (_, n) => new Authority(workspace.at(`ca-${n}`), `CA ${n}`),
  );
  const wrapper = await workspace.serveTrusting();
  const bundle = all.map(({ certificate }) => certificate).join("");
  assert.ok(bundle.length > 16_384);
  await workspace.replace(bundle, workspace.caFile);
  await workspace.refuses(wrapper);
  // Up to HAProxy 2.7 that requires a reload.
  assert.ok(wrapper.lastGeneration <= 2, wrapper.output);
  for (const authority of [all[0]!, all[20]!, all.at(-1)!]) {
    await workspace.trusts(authority.issue({ name: "client" }), wrapper);
  }
});

commonTest("a CA file without any certificate never replaces a good one", async () => {
  await using workspace = new Trusting();
  const wrapper = await workspace.serveTrusting();
  await workspace.replace("not yet\n", workspace.caFile);
  await wrapper.says(/generation 2 rejected.*generation 1 keeps serving/);
  assert.equal(await workspace.answers(), "one");
  assert.equal(await workspace.answers(workspace.others), null);
  await workspace.replace(workspace.other.certificate, workspace.caFile);
  await workspace.refuses(wrapper);
  await workspace.trusts(workspace.others, wrapper);
});
