/** A workspace whose page is also served over TLS, for tests of hot apply. */
import { BY_EVENTS } from "./program.ts";
import assert from "node:assert/strict";
import { join } from "@std/path";
import { Authority } from "./certificates.ts";
import { servedTo, type TlsOptions } from "./tls_client.ts";
import { freePort } from "./free_port.ts";
import { get, Workspace, type Wrapper, type WrapperOptions } from "./wrapper.ts";

export class Secured extends Workspace {
  readonly tlsPort = freePort();
  readonly authority = new Authority(this.at("ca"));
  /** The only certificate of most tests. */
  readonly pem = this.at("site.pem");

  /** The page, with `bind` behind the address of a second listener. */
  securePage(bind = `crt ${this.pem}`, { text = "one", global = "" } = {}): string {
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

  /** Waits until a new connection gets the certificate with that fingerprint. */
  async servesCertificate(
    { fingerprint }: { readonly fingerprint: string },
    wrapper: Wrapper,
    options: TlsOptions = {},
  ): Promise<void> {
    const isServed = async () => await servedTo(this.tlsPort, options) === fingerprint;
    await wrapper.until("the certificate to be served", isServed);
  }

  /** Asks a generation on its private socket. */
  async ask(command: string, generation = 1): Promise<string> {
    const [folder] = Deno.readDirSync(this.runtimeDirectory);
    const path = join(this.runtimeDirectory, folder!.name, `${generation}.sock`);
    using connection = await Deno.connect({ transport: "unix", path });
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(`${command}\n`));
    return await new Response(connection.readable).text();
  }

  /** The answer to a request for `path` without TLS. */
  async getPath(path: string): Promise<string> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    return (await get(connection, path))!;
  }
}

/** Asserts that no HAProxy process was started until `change` had its effect. */
export async function withoutReload(
  workspace: Workspace,
  wrapper: Wrapper,
  change: () => Promise<unknown>,
): Promise<void> {
  const [pids, generation] = [workspace.haproxyPids(), wrapper.lastGeneration];
  await change();
  const started = workspace.haproxyPids().filter((pid) => !pids.includes(pid));
  assert.deepEqual(started, [], wrapper.output);
  assert.equal(wrapper.lastGeneration, generation, wrapper.output);
}

/** Makes files that a test writes in a row one change, even on a slow machine. */
export const TOGETHER = { env: { HRW_SETTLE_TIME: "1s" } };

export interface Marker {
  /** The generation that is to be the last one. */
  readonly generation: number;
  /** A configuration that serves "marker". */
  readonly configuration: string;
}

/** Proves by a change of the configuration that nothing was reloaded after that generation. */
export async function isLastReload(
  workspace: Workspace,
  wrapper: Wrapper,
  { generation, configuration }: Marker,
): Promise<void> {
  await wrapper.saysMatching(new RegExp(`generation ${generation} serves`));
  await workspace.replace(configuration);
  await workspace.serves("marker", wrapper);
  // A pending change would be reloaded along with it.
  const only = quoted(workspace.configuration);
  await wrapper.saysMatching(new RegExp(`generation ${generation + 1} serves.*: "${only}"; `));
  await wrapper.stopsAt(generation + 1);
}

/** A regular expression that matches `text` literally. */
export const quoted = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
