/** Hot apply and reloads together, and what requires a reload. */
import assert from "node:assert/strict";
import type { Pair } from "../../support/certificates.ts";
import { commonTest } from "../../support/wrapper/program.ts";
import { isLastReload, Secured, TOGETHER, withoutReload } from "../../support/wrapper/secured.ts";
import { servedTo } from "../../support/clients/tls_client.ts";

commonTest("someone else's open transaction leads to a reload, without a mix-up", async () => {
  await using workspace = new Secured();
  const [a, b, next, foreign] = ["a.test", "b.test", "a.test", "b.test"].map((name) =>
    workspace.authority.issue({ name })
  ) as [Pair, Pair, Pair, Pair];
  const [aPath, bPath] = [workspace.write("a.pem", a.pem), workspace.write("b.pem", b.pem)];
  const page = (text: string) => workspace.securePage({ bind: `crt ${aPath} crt ${bPath}`, text });
  const wrapper = await workspace.serveSecure(page("one"));
  const answer = await workspace.askPrivately(`set ssl cert ${bPath} <<\n${foreign.pem}\n`);
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

async function replaceBytes(workspace: Secured, bytes: Uint8Array, path: string): Promise<void> {
  await Deno.writeFile(workspace.at("replacement"), bytes);
  await Deno.rename(workspace.at("replacement"), path);
}

/** What tells the OCSP response that is served with the certificate from others. */
const stapled = ({ tlsPort }: Secured) =>
  toldBy("s_client", "-status", "-servername", "site.test", "-connect", `127.0.0.1:${tlsPort}`);

/** The same of a file. */
const responseIn = (path: string) => toldBy("ocsp", "-respin", path, "-noverify", "-resp_text");

function toldBy(...args: readonly string[]): string {
  const { stdout } = new Deno.Command("openssl", {
    args: [...args],
    stdin: "null",
    stderr: "null",
  }).outputSync();
  const [, response = ""] = new TextDecoder().decode(stdout).split("OCSP Response Data:");
  return response.match(/Serial Number: \w+|^ +(?:[0-9a-f]{2}:)+[0-9a-f]{2}$/gm)?.slice(0, 2)
    .join() ?? "";
}

commonTest(
  "a certificate and its .ocsp that change together cause one reload at most",
  async () => {
    await using workspace = new Secured();
    const [old, next] = [workspace.authority.issue(), workspace.authority.issue()] as [Pair, Pair];
    const write = async (pair: Pair) => {
      await Deno.writeFile(`${workspace.pem}.ocsp`, workspace.authority.ocspResponse(pair));
      await workspace.replace(pair.pem + workspace.authority.certificate, workspace.pem);
    };
    await write(old);
    const wrapper = await workspace.serveSecure(undefined, TOGETHER);
    const isHot = (await workspace.askPrivately("help show ssl ocsp-response")).includes("base64");
    await write(next);
    await workspace.servesCertificate(next, wrapper);
    const generation = isHot ? 1 : 2;
    await wrapper.says(
      isHot
        ? /certificate ".*site\.pem" updated in generation 1/
        : /generation 2 serves.*changed: ".*site\.pem\.ocsp"/,
    );
    assert.match(stapled(workspace), /Serial/);
    assert.equal(stapled(workspace), responseIn(`${workspace.pem}.ocsp`));
    await isLastReload(wrapper, {
      generation,
      marker: workspace.securePage({ text: "marker" }),
    });
  },
);

commonTest(
  "a new .ocsp alone is served, and one that belongs to another certificate is not",
  async () => {
    await using workspace = new Secured();
    const [pair, other] = [workspace.authority.issue(), workspace.authority.issue()] as [
      Pair,
      Pair,
    ];
    const path = `${workspace.pem}.ocsp`;
    await Deno.writeFile(path, workspace.authority.ocspResponse(pair));
    await workspace.replace(pair.pem + workspace.authority.certificate, workspace.pem);
    const wrapper = await workspace.serveSecure();
    const isHot = (await workspace.askPrivately("help show ssl ocsp-response")).includes("base64");
    const first = stapled(workspace);
    await replaceBytes(workspace, workspace.authority.ocspResponse(pair), path);
    await wrapper.says(isHot ? /site\.pem" updated in generation 1/ : /generation 2 serves/);
    const second = responseIn(path);
    assert.notEqual(second, first);
    await wrapper.until("it to be stapled", () => stapled(workspace) === second);
    await replaceBytes(workspace, workspace.authority.ocspResponse(other), path);
    // HAProxy takes the certificate all the same, and warns of the response.
    await wrapper.says(new RegExp(`generation ${isHot ? 2 : 3} serves`));
    await wrapper.until("nothing to be stapled", () => stapled(workspace) === "");
    await workspace.servesCertificate(pair, wrapper);
  },
);

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
