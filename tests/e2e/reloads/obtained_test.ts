/** Certificates that HAProxy obtains itself, from a real ACME server, survive reloads and restarts. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { join } from "@std/path";
import { AcmeServer, OBTAINS, startsWithout } from "../../support/surroundings/acme_server.ts";
import { Authority, later } from "../../support/certificates.ts";
import { isThere, namesIn, readIfThere } from "../../support/machine/files.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { BY_EVENTS, IN_ONE_FORM, RUNNABLE } from "../../support/wrapper/program.ts";
import { servedTo } from "../../support/clients/tls_client.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const NEEDS = [RUNNABLE, IN_ONE_FORM, ...OBTAINS];

const NEEDS_FILE = !startsWithout();

const DOCUMENTATION = join(import.meta.dirname!, "../../../lib/obtained/README.md");
const [, EXAMPLE = ""] = /^```haproxy\n(.*?)^```$/ms.exec(Deno.readTextFileSync(DOCUMENTATION))!;

/** A workspace whose certificate HAProxy obtains. */
class Obtaining extends Observed {
  readonly tlsPort = freePort();
  readonly folder = this.at("certificates");
  readonly pem = join(this.folder, "site.pem");
  server!: AcmeServer;

  /** Starts the ACME server, and writes the configuration. */
  async prepare(): Promise<this> {
    Deno.mkdirSync(this.folder, { mode: 0o700 });
    this.server = await AcmeServer.start(this.path, { httpPort: this.port });
    await this.replace(this.obtaining("one"));
    Deno.writeTextFileSync(this.at("account.key"), accountKey(), { mode: 0o600 });
    if (NEEDS_FILE) {
      const expired = { from: later(-2_000_000), until: later(-1_000_000) };
      Deno.writeTextFileSync(this.pem, new Authority(this.at("old")).issue(expired).pem);
    }
    return this;
  }

  /** The example of the documentation, with a page of that text. */
  obtaining(text: string): string {
    const changes = {
      "https://acme-v02.api.letsencrypt.org/directory": this.server.directory,
      "/var/lib/haproxy/account.key": this.at("account.key"),
      "/var/lib/haproxy/site.pem": this.pem,
      "www.example.com": "site.test",
      "httpclient.resolvers.prefer ipv4":
        "httpclient.ssl.verify none\n    log stdout format raw local0",
      "bind :80": `bind 127.0.0.1:${this.port}`,
      "bind :443": `bind 127.0.0.1:${this.tlsPort}`,
      '"hello"': `"${text}"`,
    };
    return Object.entries(changes).reduce((example, [from, to]) => {
      assert.ok(example.includes(from), from);
      return example.replaceAll(from, to);
    }, EXAMPLE);
  }

  async serveObtaining(launcher: readonly string[] = []): Promise<Wrapper> {
    return await this.serveObserved(BY_EVENTS, { launcher });
  }

  /** Asks a generation on its private socket. */
  async command(command: string, generation = 1): Promise<string> {
    const [folder] = Deno.readDirSync(this.runtimeDirectory);
    const path = join(this.runtimeDirectory, folder!.name, `${generation}.sock`);
    using connection = await Deno.connect({ transport: "unix", path });
    await connection.write(new TextEncoder().encode(`${command}\n`));
    return await new Response(connection.readable).text();
  }

  async isRenewing(wrapper: Wrapper, generation = 1): Promise<void> {
    const isRunning = async () =>
      (await this.command("acme status", generation)).includes("Running");
    await wrapper.until("an order under way", isRunning);
  }

  async haveBeenSaved(count: number, wrapper: Wrapper): Promise<void> {
    const lines = () => wrapper.lines.filter((line) => line.includes("is saved; it expires"));
    await wrapper.until(`${count} saved certificates`, () => lines().length >= count);
    assert.equal(lines().length, count, wrapper.output);
  }

  /** Waits until clients get what the file holds, and the metric says when it expires. */
  async servesSaved(wrapper: Wrapper): Promise<X509Certificate> {
    const saved = new X509Certificate(Deno.readTextFileSync(this.pem));
    await wrapper.until(
      "the saved certificate",
      async () => await servedTo(this.tlsPort) === saved.fingerprint256,
    );
    const expires = Date.parse(saved.validTo) / 1_000;
    await this.measures(`certificate_expiry_seconds{file="${this.pem}"}`, expires, wrapper);
    return saved;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

/** Neither the log, nor the page, nor the reports show a key. */
async function showsNoKey(workspace: Obtaining, wrapper: Wrapper): Promise<void> {
  const [key] = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n.*\n/.exec(
    Deno.readTextFileSync(workspace.pem),
  )!;
  for (const path of ["/", "/status", "/metrics"]) {
    const { body } = await workspace.ask(path);
    assert.ok(!body.includes("PRIVATE KEY") && !body.includes(key.split("\n")[1]!), path);
  }
  assert.doesNotMatch(wrapper.output, /PRIVATE KEY/);
}

testNeeding(
  NEEDS,
  "one order lasts for ten reloads and a restart, and its renewal too",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const wrapper = await workspace.serveObtaining();
    await workspace.haveBeenSaved(1, wrapper);
    const first = await workspace.servesSaved(wrapper);
    assert.equal(Deno.statSync(workspace.pem).mode! & 0o777, 0o600);
    assert.deepEqual(namesIn(workspace.folder), ["site.pem"]);
    for (let reload = 2; reload <= 11; reload++) {
      await workspace.replace(workspace.obtaining(`page ${reload}`));
      await wrapper.says(new RegExp(`generation ${reload} serves`));
    }
    await workspace.serves("page 11", wrapper);
    await workspace.servesSaved(wrapper);
    await wrapper.stopsAt(11);
    assert.doesNotMatch(wrapper.lines.join("\n"), /without a reload|reload delayed/);
    wrapper.signal("SIGTERM");
    await wrapper.endsWith(143);

    const restarted = await workspace.serveObtaining();
    assert.equal((await workspace.servesSaved(restarted)).fingerprint256, first.fingerprint256);
    assert.equal(workspace.server.orders, 1);
    await workspace.command(`acme renew ${workspace.pem}`);
    await workspace.haveBeenSaved(1, restarted);
    assert.notEqual((await workspace.servesSaved(restarted)).fingerprint256, first.fingerprint256);
    await workspace.replace(workspace.obtaining("marker"));
    await workspace.serves("marker", restarted);
    await restarted.stopsAt(2);
    await workspace.servesSaved(restarted);
    assert.doesNotMatch(restarted.lines.join("\n"), /without a reload/);
    assert.equal(workspace.server.orders, 2);
    await showsNoKey(workspace, restarted);
  },
);

testNeeding(
  NEEDS,
  "a change waits for an order under way, as one line and the status say",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const release = workspace.server.hold("finalize-order");
    const wrapper = await workspace.serveObtaining();
    await workspace.isRenewing(wrapper);
    await workspace.replace(workspace.obtaining("two"));
    await wrapper.says(/reload delayed by at most \d+s, until generation 1 has obtained/);
    const { waiting } = await workspace.report();
    assert.equal(waiting?.for, "certificate");
    const leftMs = Date.parse(waiting!.until!) - Date.now();
    assert.ok(leftMs > 0 && leftMs <= 30_000, `${leftMs} ms`);
    release();
    await workspace.haveBeenSaved(1, wrapper);
    await workspace.serves("two", wrapper);
    await workspace.servesSaved(wrapper);
    await wrapper.stopsAt(2);
    assert.equal(workspace.server.orders, 1);
  },
);

testNeeding(NEEDS, "a signal does not wait longer than for stick-tables", async () => {
  await using workspace = await new Obtaining().prepare();
  workspace.server.refuses = true;
  const wrapper = await workspace.serveObtaining();
  await workspace.isRenewing(wrapper);
  await wrapper.says(/too many certificates/);
  wrapper.signal("SIGHUP");
  await wrapper.says(/reload delayed by at most 8s, until generation 1 has obtained/);
  await wrapper.says(/warning .* reloading although generation 1 has not obtained/);
  await wrapper.says(/generation 2 serves, .*SIGHUP/);
  const waitedMs = await wrapper.msBetween(/reload delayed/, /generation 2 serves/);
  assert.ok(waitedMs >= 7_900, `${waitedMs} ms`);
  workspace.server.refuses = false;
  await workspace.haveBeenSaved(1, wrapper);
  await workspace.servesSaved(wrapper);
});

testNeeding(
  NEEDS,
  "without its ACME server HAProxy serves and reloads, and the file stays",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const before = readIfThere(workspace.pem);
    await workspace.server.leave();
    const wrapper = await workspace.serveObtaining();
    await workspace.isRenewing(wrapper);
    const expiry = () => workspace.metric(`certificate_expiry_seconds{file="${workspace.pem}"}`);
    await wrapper.until("an expiry", async () => (await expiry() ?? Infinity) < Date.now() / 1_000);
    await workspace.replace(workspace.obtaining("two"));
    await wrapper.says(/reload delayed by at most/);
    await workspace.serves("two", wrapper);
    const waitedMs = await wrapper.msBetween(/generation 1 serves/, /generation 2 serves/);
    assert.ok(waitedMs < 40_000, `${waitedMs} ms`);
    assert.equal(readIfThere(workspace.pem), before);
  },
);

testNeeding(
  [...NEEDS, ROOT],
  "a read-only folder has one line, and the metric is right",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const { folder } = workspace;
    const mount =
      `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder} && exec "$@"`;
    const wrapper = await workspace.serveObtaining(["unshare", "--mount", "sh", "-c", mount, "sh"]);
    const line =
      /error .* cannot save the certificate that generation 1 obtained in ".*site\.pem": Read-only file system/;
    await wrapper.says(line);
    const expires = /site\.pem\t\w+\tScheduled\t(\S+)/.exec(
      await workspace.command("acme status"),
    )![1]!;
    const name = `certificate_expiry_seconds{file="${workspace.pem}"}`;
    await workspace.measures(name, Date.parse(expires) / 1_000, wrapper);
    assert.ok(Date.parse(expires) > Date.now());
    assert.equal(wrapper.output.match(/cannot save/g)?.length, 1, wrapper.output);
  },
);

testNeeding(
  NEEDS,
  "a wrapper that is killed while it saves leaves a whole file, and the next saves",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const before = readIfThere(workspace.pem);
    const part = join(workspace.folder, ".site.pem.part");
    const wrapper = await workspace.serveObtaining();
    await wrapper.until("the save", () => isThere(part) || readIfThere(workspace.pem) !== before);
    wrapper.kill();
    await wrapper.child.status;
    const text = readIfThere(workspace.pem);
    if (text !== before) assert.match(text, /PRIVATE KEY-----\n$/);
    const next = await workspace.serveObtaining();
    await workspace.servesSaved(next);
    assert.equal(workspace.server.orders, 1);
    assert.deepEqual(namesIn(workspace.folder), ["site.pem"]);
  },
);

/**
 * A key that no authority refuses: HAProxy 3.2.26 and 3.4.7 leave out the leading zeros of an elliptic curve's point, so
 * one in 128 of the keys that they make themselves is "invalid EC public key, wrong length for x".
 */
function accountKey(): string {
  for (;;) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const { x, y } = privateKey.export({ format: "jwk" });
    const isWhole = [x, y].every((text) => Buffer.from(text!, "base64url")[0] !== 0);
    if (isWhole) return privateKey.export({ format: "pem", type: "sec1" }) as string;
  }
}
