/** A workspace whose certificates HAProxy obtains itself, from an ACME server of its own. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { join } from "@std/path";
import { type AcmeOptions, AcmeServer, startsWithout } from "../surroundings/acme_server.ts";
import { Authority, later, type Pair } from "../certificates.ts";
import { freePort } from "../machine/free_port.ts";
import { Observed } from "./observed.ts";
import { BY_EVENTS } from "./program.ts";
import { servedTo } from "../clients/tls_client.ts";
import type { Wrapper } from "./wrapper.ts";

/** Whether HAProxy starts only with a certificate in the file. */
export const NEEDS_FILE = !startsWithout();

const DOCUMENTATION = join(import.meta.dirname!, "../../../lib/obtained/README.md");
const [, EXAMPLE = ""] = /^```haproxy\n(.*?)^```$/ms.exec(Deno.readTextFileSync(DOCUMENTATION))!;

/** A workspace whose certificate HAProxy obtains. */
export class Obtaining extends Observed {
  readonly tlsPort = freePort();
  readonly folder = this.at("certificates");
  readonly pem = join(this.folder, "site.pem");
  server!: AcmeServer;

  /** Starts the ACME server, and writes the configuration. */
  async prepare(options: Partial<AcmeOptions> = {}): Promise<this> {
    Deno.mkdirSync(this.folder, { mode: 0o700 });
    this.server = await AcmeServer.start(this.path, { httpPort: this.port, ...options });
    await this.replace(this.obtaining("one"));
    Deno.writeTextFileSync(this.at("account.key"), accountKey(), { mode: 0o600 });
    if (NEEDS_FILE) Deno.writeTextFileSync(this.pem, this.expired().pem);
    return this;
  }

  /** What HAProxy is to replace. */
  expired(): Pair {
    const expired = { from: later(-2_000_000), until: later(-1_000_000) };
    return new Authority(this.at("old")).issue(expired);
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

  async isRenewing(wrapper: Wrapper): Promise<void> {
    const isRunning = async () => (await this.askPrivately("acme status")).includes("Running");
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

/**
 * A key that no authority refuses: HAProxy 3.2.26 and 3.4.7 leave out the leading zeros of an elliptic curve's point, so
 * one in 128 of the keys that they make themselves is "invalid EC public key, wrong length for x".
 */
export function accountKey(): string {
  for (;;) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const { x, y } = privateKey.export({ format: "jwk" });
    const isWhole = [x, y].every((text) => Buffer.from(text!, "base64url")[0] !== 0);
    if (isWhole) return privateKey.export({ format: "pem", type: "sec1" }) as string;
  }
}
