/** Certificates that must not be served: the old one stays, and the log says what is missing. */
import assert from "node:assert/strict";
import { later, type Pair } from "../../support/certificates.ts";
import { commonTest } from "../../support/wrapper/program.ts";
import { isLastReload, quoted, Secured, withoutReload } from "../../support/wrapper/secured.ts";
import { servedTo } from "../../support/clients/tls_client.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

class Refusing extends Secured {
  /** Waits for the warning about the certificate, after which the old one serves. */
  async keeps(old: Pair, why: RegExp, wrapper: Wrapper): Promise<void> {
    const warning = `warning .*certificate "${quoted(this.pem)}" ${why.source}`;
    await wrapper.says(warning);
    assert.equal(await servedTo(this.tlsPort), old.fingerprint, wrapper.output);
  }
}

for (const first of ["certificate", "key"] as const) {
  commonTest(`the old pair serves until both files have arrived, the ${first} first`, async () => {
    await using workspace = new Refusing();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
    const paths = {
      certificate: workspace.write("site.pem", old.certificate),
      key: workspace.write("site.pem.key", old.key),
    };
    const second = first === "key" ? "certificate" : "key";
    const wrapper = await workspace.serveSecure();
    await withoutReload(wrapper, async () => {
      await workspace.replace(next[first], paths[first]);
      await workspace.keeps(
        old,
        /does not match the private key beside it; .*waiting for/,
        wrapper,
      );
      await workspace.replace(next[second], paths[second]);
      await workspace.servesCertificate(next, wrapper);
      await wrapper.says(/ updated in generation 1 without a reload/);
    });
  });
}

commonTest("a certificate that is written in two halves serves once it is complete", async () => {
  await using workspace = new Refusing();
  const { wrapper, old, next } = await workspace.serveOld();
  await withoutReload(wrapper, async () => {
    await Deno.writeTextFile(workspace.pem, next.certificate);
    await workspace.keeps(old, /has no private key, .*; .* waiting for the key/, wrapper);
    await Deno.writeTextFile(workspace.pem, next.key, { append: true });
    await workspace.servesCertificate(next, wrapper);
  });
});

commonTest("a certificate that does not match its key is refused until changed back", async () => {
  await using workspace = new Refusing();
  const { wrapper, old, next: other } = await workspace.serveOld();
  await withoutReload(wrapper, async () => {
    await workspace.replace(other.certificate + old.key, workspace.pem);
    await workspace.keeps(old, /does not match the private key in it/, wrapper);
    await workspace.replace(old.pem, workspace.pem);
    await wrapper.says(/files are back to what generation 1 serves; no reload needed/);
  });
});

commonTest("a certificate that becomes valid in 3 seconds serves from then on", async () => {
  await using workspace = new Refusing();
  const { wrapper, old } = await workspace.serveOld();
  await withoutReload(wrapper, async () => {
    const from = later(3_000);
    const next = workspace.authority.issue({ from });
    await workspace.replace(next.pem, workspace.pem);
    await workspace.keeps(old, /is not valid before /, wrapper);
    await workspace.servesCertificate(next, wrapper);
    // A certificate's times are whole seconds.
    assert.ok(Date.now() >= Math.floor(from.getTime() / 1_000) * 1_000, wrapper.output);
  });
});

commonTest("a removed certificate keeps serving until another takes its place", async () => {
  await using workspace = new Refusing();
  const { wrapper, old, next } = await workspace.serveOld();
  await withoutReload(wrapper, async () => {
    await Deno.remove(workspace.pem);
    await workspace.keeps(old, /is gone; .*keeps the old one, waiting for its return/, wrapper);
    await workspace.renew(next, wrapper);
  });
});

commonTest("with --no-hot-apply a certificate is reloaded, unless it is unusable", async () => {
  await using workspace = new Refusing();
  const { wrapper, old, next } = await workspace.serveOld({ args: ["--no-hot-apply"] });
  await workspace.replace(next.certificate + old.key, workspace.pem);
  await workspace.keeps(old, /does not match the private key in it/, wrapper);
  await workspace.replace(next.pem, workspace.pem);
  const reloaded = `generation 2 serves.*changed: "${quoted(workspace.pem)}";`;
  await wrapper.says(reloaded);
  await workspace.servesCertificate(next, wrapper);
  assert.doesNotMatch(wrapper.output, /without a reload|cannot change/);
  await isLastReload(wrapper, {
    generation: 2,
    marker: workspace.securePage({ text: "marker" }),
  });
});

commonTest("a refused certificate does not delay a new configuration", async () => {
  await using workspace = new Refusing();
  const { wrapper, old, next: other } = await workspace.serveOld();
  await workspace.replace(other.certificate + old.key, workspace.pem);
  await workspace.keeps(old, /does not match the private key in it/, wrapper);
  await workspace.replace(workspace.securePage({ text: "two" }));
  // HAProxy itself will not start with such a pair.
  await wrapper.says(/generation 2 rejected.*generation 1 keeps serving/);
  assert.equal(await servedTo(workspace.tlsPort), old.fingerprint);
  await workspace.replace(other.pem, workspace.pem);
  await workspace.serves("two", wrapper);
  await workspace.servesCertificate(other, wrapper);
});
