/** A workspace whose page is also served over TLS, for tests of hot apply. */
import { BY_EVENTS } from "./program.ts";
import assert from "node:assert/strict";
import { Authority, type Pair } from "../certificates.ts";
import { servedTo, type TlsOptions } from "../clients/tls_client.ts";
import { freePort } from "../machine/free_port.ts";
import { get, Workspace } from "./workspace.ts";
import type { Wrapper, WrapperOptions } from "./wrapper.ts";

interface Served {
  readonly wrapper: Wrapper;
  readonly old: Pair;
  readonly next: Pair;
}

export class Secured extends Workspace {
  readonly tlsPort = freePort();
  readonly authority = new Authority(this.at("ca"));
  /** The only certificate of most tests. */
  readonly pem = this.at("site.pem");

  /** The page, with `bind` behind the address of a second listener. */
  securePage({ bind = `crt ${this.pem}`, text = "one", global = "" } = {}): string {
    const extra = global === "" ? "" : `global\n    ${global}\n`;
    return `${this.page(text, { extra })}    bind 127.0.0.1:${this.tlsPort} ssl ${bind}\n`;
  }

  /** Starts the wrapper with that configuration and without a poll: events must do. */
  async serveSecure(
    configuration = this.securePage(),
    { args = [], env = {} }: WrapperOptions = {},
  ): Promise<Wrapper> {
    await this.replace(configuration);
    const own = ["-f", this.configuration, ...BY_EVENTS];
    return await this.serve({ args: [...own, ...args], env });
  }

  /** Serves `old`, its only certificate; `next` is another of the same authority. */
  async serveOld(options: WrapperOptions = {}): Promise<Served> {
    const [old, next] = [this.authority.issue(), this.authority.issue()];
    this.write("site.pem", old.pem);
    return { wrapper: await this.serveSecure(undefined, options), old, next };
  }

  /** Replaces that certificate, and waits until the new one is served. */
  async renew(pair: Pair, wrapper: Wrapper): Promise<void> {
    await this.replace(pair.pem, this.pem);
    await this.servesCertificate(pair, wrapper);
  }

  /** Waits until a new connection gets the certificate with that fingerprint. */
  async servesCertificate(
    { fingerprint }: { readonly fingerprint: string },
    wrapper: Wrapper,
    options: TlsOptions = {},
  ): Promise<void> {
    const isServed = async () => await servedTo(this.tlsPort, options) === fingerprint;
    await wrapper.until("the certificate to be served", isServed);
  }

  /** The answer to a request for `path` without TLS. */
  async getPath(path: string): Promise<string> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    return (await get(connection, path))!;
  }
}

/** Asserts that no HAProxy process was started until `change` had its effect. */
export async function withoutReload(
  wrapper: Wrapper,
  change: () => Promise<unknown>,
): Promise<void> {
  const { workspace, lastGeneration } = wrapper;
  const pids = workspace.haproxyPids();
  await change();
  const started = workspace.haproxyPids().filter((pid) => !pids.includes(pid));
  assert.deepEqual(started, [], wrapper.output);
  assert.equal(wrapper.lastGeneration, lastGeneration, wrapper.output);
}

/** Makes files that a test writes in a row one change, even on a slow machine. */
export const TOGETHER = { env: { HRW_SETTLE_TIME: "1s" } };

/** Proves by another change, to the configuration `marker`, that nothing was reloaded after that generation. */
export async function isLastReload(
  wrapper: Wrapper,
  { generation, marker }: { readonly generation: number; readonly marker: string },
): Promise<void> {
  const { workspace } = wrapper;
  await wrapper.says(`generation ${generation} serves`);
  await workspace.replace(marker);
  await workspace.serves("marker", wrapper);
  // A pending change would be reloaded along with it.
  const only = quoted(workspace.configuration);
  await wrapper.says(`generation ${generation + 1} serves.*: "${only}"; `);
  await wrapper.stopsAt(generation + 1);
}

/** A regular expression that matches `text` literally. */
export const quoted = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
