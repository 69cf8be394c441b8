/** Hot apply and reloads together, and what requires a reload. */
import assert from "node:assert/strict";
import type { Pair } from "../../support/certificates.ts";
import { commonTest } from "../../support/program.ts";
import { isLastReload, Secured, TOGETHER, withoutReload } from "../../support/secured.ts";
import { servedTo } from "../../support/tls_client.ts";

commonTest("someone else's open transaction leads to a reload, without a mix-up", async () => {
  await using workspace = new Secured();
  const [a, b, next, foreign] = ["a.test", "b.test", "a.test", "b.test"].map((name) =>
    workspace.authority.issue({ name })
  ) as [Pair, Pair, Pair, Pair];
  const [aPath, bPath] = [workspace.write("a.pem", a.pem), workspace.write("b.pem", b.pem)];
  const page = (text: string) => workspace.securePage({ bind: `crt ${aPath} crt ${bPath}`, text });
  const wrapper = await workspace.serveSecure(page("one"));
  const answer = await workspace.ask(`set ssl cert ${bPath} <<\n${foreign.pem}\n`);
  assert.match(answer, /Transaction created/);
  const served = new Set<string | null>();
  await workspace.replace(next.pem, aPath);
  await wrapper.until("the reload", async () => {
    served.add(await servedTo(workspace.tlsPort, { servername: "b.test" }));
    return wrapper.lastGeneration === 2;
  });
  await wrapper.says(/cannot hot-apply to generation 1, reloading: .*a\.pem/);
  await workspace.servesCertificate(next, wrapper, { servername: "a.test" });
  served.add(await servedTo(workspace.tlsPort, { servername: "b.test" }));
  assert.deepEqual([...served], [b.fingerprint], wrapper.output);
  await isLastReload(wrapper, { generation: 2, marker: page("marker") });
});

commonTest("a certificate and its .ocsp that change together cause one reload", async () => {
  await using workspace = new Secured();
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()] as [Pair, Pair];
  const write = async (pair: Pair) => {
    await Deno.writeFile(`${workspace.pem}.ocsp`, workspace.authority.ocspResponse(pair));
    await workspace.replace(pair.pem + workspace.authority.certificate, workspace.pem);
  };
  await write(old);
  const wrapper = await workspace.serveSecure(undefined, TOGETHER);
  await write(next);
  await workspace.servesCertificate(next, wrapper);
  await wrapper.says(/generation 2 serves.*changed: ".*site\.pem\.ocsp"/);
  await isLastReload(wrapper, {
    generation: 2,
    marker: workspace.securePage({ text: "marker" }),
  });
});

commonTest("a certificate longer than HAProxy's buffer requires a reload", async () => {
  await using workspace = new Secured();
  const { wrapper, old, next } = await workspace.serveOld();
  await workspace.replace(next.pem + workspace.authority.certificate.repeat(40), workspace.pem);
  await workspace.servesCertificate(next, wrapper);
  await wrapper.says(/cannot hot-apply to generation 1, reloading: .*longer/);
  await wrapper.says(/generation 2 serves/);
  await withoutReload(wrapper, () => workspace.renew(old, wrapper));
});

commonTest("--min-reload-interval delays no certificate", async () => {
  await using workspace = new Secured();
  const { wrapper, next } = await workspace.serveOld({ args: ["--min-reload-interval", "1h"] });
  await workspace.replace(workspace.securePage({ text: "two" }));
  await workspace.serves("two", wrapper);
  // Generation 2 may already have read an earlier change.
  await wrapper.says(/generation 2 serves/);
  await withoutReload(wrapper, () => workspace.renew(next, wrapper));
});

commonTest("a rejected configuration delays no certificate", async () => {
  await using workspace = new Secured();
  const { wrapper, next } = await workspace.serveOld();
  await workspace.replace(`${workspace.securePage()}frontend broken\n    bind nowhere\n`);
  await wrapper.says(/generation 2 rejected/);
  await workspace.renew(next, wrapper);
  assert.equal(await workspace.get(), "one");
  await workspace.replace(workspace.securePage({ text: "marker" }));
  await workspace.serves("marker", wrapper);
  assert.equal(await servedTo(workspace.tlsPort), next.fingerprint);
});

commonTest("nor does a rejected configuration that names no files", async () => {
  await using workspace = new Secured();
  const { wrapper, next } = await workspace.serveOld();
  await workspace.replace("frontend broken\n    bind nowhere\n");
  await wrapper.says(/generation 2 rejected/);
  await workspace.renew(next, wrapper);
  assert.doesNotMatch(wrapper.output, /is gone/);
});
