/** Certificates that are hot-applied, with real TLS clients. */
import assert from "node:assert/strict";
import { DAY_MS, expiryOf, later } from "../../support/certificates.ts";
import { programTest } from "../../support/wrapper/program.ts";
import { isLastReload, quoted, Secured, withoutReload } from "../../support/wrapper/secured.ts";
import { answerTo, servedTo, TlsConnection } from "../../support/clients/tls_client.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { freePort } from "../../support/machine/free_port.ts";

programTest("a new certificate is served to new connections without a reload", async () => {
  await using workspace = new Secured();
  const { authority, pem } = workspace;
  const next = authority.issue({ until: later(60 * DAY_MS) });
  workspace.write("site.pem", authority.issue().pem);
  const wrapper = await workspace.serveSecure();
  await withoutReload(wrapper, async () => {
    await workspace.renew(next, wrapper);
    const update = `certificate "${quoted(pem)}" updated in generation 1 without a reload`;
    await wrapper.says(`info .*${update} in \\d+ ms \\(expires ${expiryOf(next)}\\)`);
  });
});

programTest("a hot apply starts no process, not even one on standby or a check", async () => {
  await using workspace = new Secured();
  const started = workspace.write("started", "");
  const noting = `#!/bin/sh\necho "$*" >> ${started}\n`;
  await workspace.standIn(STAND_INS.is_haproxy.replace("#!/bin/sh\n", noting));
  workspace.write("site.pem", workspace.authority.issue().pem);
  const wrapper = await workspace.serveSecure();
  const before = await Deno.readTextFile(started);
  assert.notEqual(before, "");
  const next = workspace.authority.issue();
  await workspace.renew(next, wrapper);
  await wrapper.says(/ updated in generation 1 /);
  assert.equal(await Deno.readTextFile(started), before, wrapper.output);
});

programTest("an open connection survives", async () => {
  await using workspace = new Secured();
  const { wrapper, old, next } = await workspace.serveOld();
  await using connection = await TlsConnection.open(workspace.tlsPort);
  assert.equal(await connection.request(), "one");
  await workspace.renew(next, wrapper);
  assert.equal(await connection.request(), "one");
  assert.equal(connection.fingerprint, old.fingerprint);
  await wrapper.stopsAt(1);
});

programTest("a certificate may change its kind of key, even ten times in a row", async () => {
  await using workspace = new Secured();
  workspace.write("site.pem", workspace.authority.issue().pem);
  const wrapper = await workspace.serveSecure();
  await withoutReload(wrapper, async () => {
    for (let number = 1; number <= 10; number++) {
      const next = workspace.authority.issue({ kind: number % 2 === 0 ? "ec" : "rsa" });
      await Deno.writeTextFile(workspace.pem, next.pem);
      await workspace.servesCertificate(next, wrapper);
      assert.equal(await answerTo(workspace.tlsPort), "one");
    }
  });
});

programTest("several certificates that change together are all applied", async () => {
  await using workspace = new Secured();
  const names = ["a.test", "b.test", "c.test"];
  const issue = () => names.map((name) => ({ name, ...workspace.authority.issue({ name }) }));
  const write = (pairs: ReturnType<typeof issue>) =>
    pairs.map(({ name, pem }) => workspace.write(`${name}.pem`, pem));
  const paths = write(issue());
  const wrapper = await workspace.serveSecure(
    workspace.securePage({ bind: paths.map((path) => `crt ${path}`).join(" ") }),
  );
  await withoutReload(wrapper, async () => {
    const next = issue();
    write(next);
    for (const pair of next) {
      await workspace.servesCertificate(pair, wrapper, { servername: pair.name });
    }
  });
  await wrapper.says(/(?: updated in generation 1 [^]*){3}/);
});

programTest("a certificate in a directory is applied, and its neighbour stays", async () => {
  await using workspace = new Secured();
  const [a, b, next] = ["a.test", "b.test", "a.test"].map((name) =>
    workspace.authority.issue({ name })
  );
  Deno.mkdirSync(workspace.at("certificates"));
  const path = workspace.write("certificates/a.pem", a!.pem);
  workspace.write("certificates/b.pem", b!.pem);
  const directory = workspace.at("certificates");
  // HAProxy drops the trailing slash from the certificate's name.
  const wrapper = await workspace.serveSecure(workspace.securePage({ bind: `crt ${directory}/` }));
  await withoutReload(wrapper, async () => {
    await workspace.replace(next!.pem, path);
    await workspace.servesCertificate(next!, wrapper, { servername: "a.test" });
    await workspace.servesCertificate(b!, wrapper, { servername: "b.test" });
  });
});

programTest("one certificate of two listeners is applied to both at once", async () => {
  await using workspace = new Secured();
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
  workspace.write("site.pem", old.pem);
  const list = workspace.write("list.txt", `${workspace.pem}\n`);
  const port = freePort();
  const second = `    bind 127.0.0.1:${port} ssl crt-list ${list}\n`;
  const wrapper = await workspace.serveSecure(workspace.securePage() + second);
  await withoutReload(wrapper, async () => {
    await workspace.renew(next, wrapper);
    assert.equal(await servedTo(port), next.fingerprint);
  });
  await wrapper.says(/ updated in /);
  assert.equal(wrapper.output.match(/ updated in /g)?.length, 1, wrapper.output);
});

programTest("touching a certificate, or writing it again, does nothing", async () => {
  await using workspace = new Secured();
  const { wrapper, old, next } = await workspace.serveOld();
  await Deno.utime(workspace.pem, new Date(), new Date());
  await Deno.writeTextFile(workspace.pem, old.pem);
  await workspace.replace(old.pem, workspace.pem);
  await workspace.renew(next, wrapper);
  await wrapper.says(/ updated in /);
  assert.equal(wrapper.output.match(/ updated in /g)?.length, 1, wrapper.output);
  await wrapper.stopsAt(1);
});

programTest("a reload keeps what was hot-applied, and hot apply goes on after it", async () => {
  await using workspace = new Secured();
  const [old, second, third] = [1, 2, 3].map(() => workspace.authority.issue());
  workspace.write("site.pem", old!.pem);
  const wrapper = await workspace.serveSecure();
  await workspace.replace(second!.pem, workspace.pem);
  await workspace.servesCertificate(second!, wrapper);
  await isLastReload(wrapper, {
    generation: 1,
    marker: workspace.securePage({ text: "marker" }),
  });
  assert.equal(await servedTo(workspace.tlsPort), second!.fingerprint);
  await withoutReload(wrapper, async () => {
    await workspace.replace(third!.pem, workspace.pem);
    await workspace.servesCertificate(third!, wrapper);
    await wrapper.says(/ updated in generation 2 without a reload/);
  });
});
