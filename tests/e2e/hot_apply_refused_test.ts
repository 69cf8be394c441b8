/** Certificates that must not be served: the old one stays, and the log says what is awaited. */
import assert from "node:assert/strict";
import { DAY_MS, later, type Pair } from "../support/certificates.ts";
import { commonTest } from "../support/program.ts";
import { isLastReload, quoted, Secured, withoutReload } from "../support/secured.ts";
import { servedTo } from "../support/tls_client.ts";
import { waitFor } from "../support/wait.ts";
import type { Wrapper } from "../support/wrapper.ts";

/** Waits for the warning about `path`, after which the old certificate serves. */
async function keepsOld(workspace: Secured, wrapper: Wrapper, old: Pair, why: RegExp) {
  await wrapper.saysMatching(
    new RegExp(`warning .*certificate "${quoted(workspace.pem)}" ${why.source}`),
  );
  assert.equal(await servedTo(workspace.tlsPort), old.fingerprint, wrapper.output);
}

commonTest("of a pair in two files the old one serves until both are there", async () => {
  await using workspace = new Secured();
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
  workspace.write("site.pem", old.certificate);
  const key = workspace.write("site.pem.key", old.key);
  const wrapper = await workspace.serveSecure();
  await withoutReload(workspace, wrapper, async () => {
    await workspace.replace(next.certificate, workspace.pem);
    await keepsOld(
      workspace,
      wrapper,
      old,
      /does not match the private key beside it; .*waiting for/,
    );
    await workspace.replace(next.key, key);
    await workspace.servesCertificate(next, wrapper);
    await wrapper.saysMatching(/ updated in generation 1 without a reload/);
  });
});

commonTest("the same holds if the key is written first", async () => {
  await using workspace = new Secured();
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
  workspace.write("site.pem", old.certificate);
  const key = workspace.write("site.pem.key", old.key);
  const wrapper = await workspace.serveSecure();
  await withoutReload(workspace, wrapper, async () => {
    await workspace.replace(next.key, key);
    await keepsOld(
      workspace,
      wrapper,
      old,
      /does not match the private key beside it; .*waiting for/,
    );
    await workspace.replace(next.certificate, workspace.pem);
    await workspace.servesCertificate(next, wrapper);
  });
});

commonTest(
  "a certificate whose file is written in two halves serves when it is whole",
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

for (const kind of ["ec", "rsa"] as const) {
  commonTest(
    `a key that does not match (${kind}) is refused, and a change back is seen`,
    async () => {
      await using workspace = new Secured();
      const [old, other] = [1, 2].map(() => workspace.authority.issue({ kind })) as [Pair, Pair];
      workspace.write("site.pem", old.pem);
      const wrapper = await workspace.serveSecure();
      await withoutReload(workspace, wrapper, async () => {
        await workspace.replace(other.certificate + old.key, workspace.pem);
        await keepsOld(workspace, wrapper, old, /does not match the private key in it/);
        await workspace.replace(old.pem, workspace.pem);
        await wrapper.saysMatching(
          /files are again what generation 1 serves; no reload needed/,
        );
      });
    },
  );
}

commonTest("an expired certificate is refused", async () => {
  await using workspace = new Secured();
  const old = workspace.authority.issue();
  const until = later(-2 * DAY_MS);
  const expired = workspace.authority.issue({ from: later(-9 * DAY_MS), until });
  workspace.write("site.pem", old.pem);
  const wrapper = await workspace.serveSecure();
  await withoutReload(workspace, wrapper, async () => {
    await workspace.replace(expired.pem, workspace.pem);
    const day = until.toISOString().slice(0, 10);
    await keepsOld(workspace, wrapper, old, new RegExp(`expired on ${day}; .*keeps the old one`));
  });
});

commonTest("a certificate that is not yet valid is refused, and the next one served", async () => {
  await using workspace = new Secured();
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
  const early = workspace.authority.issue({ from: later(DAY_MS) });
  workspace.write("site.pem", old.pem);
  const wrapper = await workspace.serveSecure();
  await withoutReload(workspace, wrapper, async () => {
    await workspace.replace(early.pem, workspace.pem);
    await keepsOld(workspace, wrapper, old, /is not valid before \d{4}-.*; .*keeps the old one/);
    await workspace.replace(next.pem, workspace.pem);
    await workspace.servesCertificate(next, wrapper);
  });
});

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

commonTest("what holds no certificate is left to HAProxy, which refuses it", async () => {
  await using workspace = new Secured();
  const old = workspace.authority.issue();
  workspace.write("site.pem", old.pem);
  const wrapper = await workspace.serveSecure();
  await workspace.replace("not yet\n", workspace.pem);
  await wrapper.saysMatching(/reloading: ".*": it holds no certificate/);
  await wrapper.saysMatching(/generation 2 rejected/);
  assert.equal(await servedTo(workspace.tlsPort), old.fingerprint);
});

commonTest("an emptied file is awaited", async () => {
  await using workspace = new Secured();
  const old = workspace.authority.issue();
  workspace.write("site.pem", old.pem);
  const wrapper = await workspace.serveSecure();
  await withoutReload(workspace, wrapper, async () => {
    await workspace.replace("", workspace.pem);
    await keepsOld(workspace, wrapper, old, /is empty; .*waiting for a certificate/);
    await workspace.replace(old.pem, workspace.pem);
    await wrapper.saysMatching(/files are again what generation 1 serves/);
  });
});

commonTest(
  "a removed certificate keeps serving, and its return as another is served",
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

commonTest("of two certificates the fit one is replaced and the other one refused", async () => {
  await using workspace = new Secured();
  const [a, b, next] = ["a.test", "b.test", "b.test"].map((name) =>
    workspace.authority.issue({ name })
  ) as [Pair, Pair, Pair];
  workspace.write("site.pem", a.pem);
  const other = workspace.write("b.pem", b.pem);
  const wrapper = await workspace.serveSecure(
    workspace.securePage(`crt ${workspace.pem} crt ${other}`),
  );
  await withoutReload(workspace, wrapper, async () => {
    await workspace.replace(next.certificate + a.key, workspace.pem);
    await workspace.replace(next.pem, other);
    await workspace.servesCertificate(next, wrapper, { servername: "b.test" });
    await keepsOld(workspace, wrapper, a, /does not match the private key in it/);
  });
});

for (
  const options of [{ args: ["--no-hot-apply"] }, { env: { HRW_NO_HOT_APPLY: "true" } }]
) {
  const name = options.args?.[0] ?? "HRW_NO_HOT_APPLY=true";
  commonTest(`with ${name} a certificate is reloaded, unless it must not be served`, async () => {
    await using workspace = new Secured();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
    workspace.write("site.pem", old.pem);
    const wrapper = await workspace.serveSecure(workspace.securePage(), options);
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
  });
}

commonTest("a change of the configuration is not held up by a refused certificate", async () => {
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
