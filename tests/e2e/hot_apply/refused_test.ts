/** Certificates that must not be served: the old one stays, and the log says what is missing. */
import assert from "node:assert/strict";
import { later, type Pair } from "../../support/certificates.ts";
import { commonTest } from "../../support/program.ts";
import { isLastReload, quoted, Secured, withoutReload } from "../../support/secured.ts";
import { servedTo } from "../../support/tls_client.ts";
import { waitFor } from "../../support/wait.ts";
import type { Wrapper } from "../../support/wrapper.ts";

/** Waits for the warning about `path`, after which the old certificate serves. */
async function keepsOld(workspace: Secured, wrapper: Wrapper, old: Pair, why: RegExp) {
  await wrapper.saysMatching(
    new RegExp(`warning .*certificate "${quoted(workspace.pem)}" ${why.source}`),
  );
  assert.equal(await servedTo(workspace.tlsPort), old.fingerprint, wrapper.output);
}

for (const first of ["certificate", "key"] as const) {
  commonTest(`the old pair serves until both files have arrived, the ${first} first`, async () => {
    await using workspace = new Secured();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
    const paths = {
      certificate: workspace.write("site.pem", old.certificate),
      key: workspace.write("site.pem.key", old.key),
    };
    const second = first === "key" ? "certificate" : "key";
    const wrapper = await workspace.serveSecure();
    await withoutReload(workspace, wrapper, async () => {
      await workspace.replace(next[first], paths[first]);
      await keepsOld(
        workspace,
        wrapper,
        old,
        /does not match the private key beside it; .*waiting for/,
      );
      await workspace.replace(next[second], paths[second]);
      await workspace.servesCertificate(next, wrapper);
      await wrapper.saysMatching(/ updated in generation 1 without a reload/);
    });
  });
}

commonTest(
  "a certificate that is written in two halves serves once it is complete",
  async () => {
    await using workspace = new Secured();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
    workspace.write("site.pem", old.pem);
    const wrapper = await workspace.serveSecure();
    await withoutReload(workspace, wrapper, async () => {
      await Deno.writeTextFile(workspace.pem, next.certificate);
      await keepsOld(workspace, wrapper, old, /has no private key, .*; .* waiting for the key/);
      await Deno.writeTextFile(workspace.pem, next.key, { append: true });
      await workspace.servesCertificate(next, wrapper);
    });
  },
);

commonTest(
  "a certificate that does not match its key is refused, and a change back is seen",
  async () => {
    await using workspace = new Secured();
    const [old, other] = [workspace.authority.issue(), workspace.authority.issue()];
    workspace.write("site.pem", old.pem);
    const wrapper = await workspace.serveSecure();
    await withoutReload(workspace, wrapper, async () => {
      await workspace.replace(other.certificate + old.key, workspace.pem);
      await keepsOld(workspace, wrapper, old, /does not match the private key in it/);
      await workspace.replace(old.pem, workspace.pem);
      await wrapper.saysMatching(/files are back to what generation 1 serves; no reload needed/);
    });
  },
);

commonTest("a certificate that becomes valid in 3 seconds serves from then on", async () => {
  await using workspace = new Secured();
  const old = workspace.authority.issue();
  workspace.write("site.pem", old.pem);
  const wrapper = await workspace.serveSecure();
  await withoutReload(workspace, wrapper, async () => {
    const from = later(3_000);
    const next = workspace.authority.issue({ from });
    await workspace.replace(next.pem, workspace.pem);
    await keepsOld(workspace, wrapper, old, /is not valid before /);
    await workspace.servesCertificate(next, wrapper);
    // A certificate's times are whole seconds.
    assert.ok(Date.now() >= Math.floor(from.getTime() / 1_000) * 1_000, wrapper.output);
  });
});

commonTest(
  "a removed certificate keeps serving until another takes its place",
  async () => {
    await using workspace = new Secured();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
    workspace.write("site.pem", old.pem);
    const wrapper = await workspace.serveSecure();
    await withoutReload(workspace, wrapper, async () => {
      await Deno.remove(workspace.pem);
      await keepsOld(
        workspace,
        wrapper,
        old,
        /is gone; .*keeps the old one, waiting for its return/,
      );
      await workspace.replace(next.pem, workspace.pem);
      await workspace.servesCertificate(next, wrapper);
    });
  },
);

commonTest(
  "with --no-hot-apply a certificate is reloaded, unless it must not be served",
  async () => {
    await using workspace = new Secured();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
    workspace.write("site.pem", old.pem);
    const wrapper = await workspace.serveSecure(workspace.securePage(), {
      args: ["--no-hot-apply"],
    });
    await workspace.replace(next.certificate + old.key, workspace.pem);
    await keepsOld(workspace, wrapper, old, /does not match the private key in it/);
    await workspace.replace(next.pem, workspace.pem);
    await wrapper.saysMatching(
      new RegExp(`generation 2 serves.*changed: "${quoted(workspace.pem)}";`),
    );
    await workspace.servesCertificate(next, wrapper);
    assert.doesNotMatch(wrapper.output, /without a reload|cannot change/);
    await isLastReload(workspace, wrapper, {
      generation: 2,
      configuration: workspace.securePage(undefined, { text: "marker" }),
    });
  },
);

commonTest("a refused certificate does not delay a new configuration", async () => {
  await using workspace = new Secured();
  const [old, other] = [workspace.authority.issue(), workspace.authority.issue()];
  workspace.write("site.pem", old.pem);
  const wrapper = await workspace.serveSecure();
  await workspace.replace(other.certificate + old.key, workspace.pem);
  await keepsOld(workspace, wrapper, old, /does not match the private key in it/);
  const text = "two";
  await workspace.replace(workspace.securePage(undefined, { text }));
  // HAProxy itself will not start with such a pair.
  await wrapper.saysMatching(/generation 2 rejected.*generation 1 keeps serving/);
  assert.equal(await servedTo(workspace.tlsPort), old.fingerprint);
  await workspace.replace(other.pem, workspace.pem);
  await workspace.serves(text, wrapper);
  await waitFor("the pair", async () => await servedTo(workspace.tlsPort) === other.fingerprint);
});
