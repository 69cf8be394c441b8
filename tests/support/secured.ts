/** A workspace whose page is also served by TLS, and what tests of hot apply ask it. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { Authority } from "./certificates.ts";
import { servedTo, type TlsOptions } from "./tls_client.ts";
import { waitFor } from "./wait.ts";
import { freePort, Workspace, type Wrapper, type WrapperOptions } from "./wrapper.ts";

export class Secured extends Workspace {
  readonly tlsPort = freePort();
  readonly authority = new Authority(join(this.path, "ca"));
  /** Where most tests have their only certificate. */
  readonly pem = this.at("site.pem");

  /** A path in the folder. */
  at(name: string): string {
    return join(this.path, name);
  }

  write(name: string, text: string): string {
    Deno.writeTextFileSync(this.at(name), text);
    return this.at(name);
  }

  /** The page, with `bind` behind the address of a second listener. */
  securePage(bind = `crt ${this.pem}`, { text = "one", global = "" } = {}): string {
    const extra = global === "" ? "" : `global\n    ${global}\n`;
    return `${this.page(text, { extra })}    bind 127.0.0.1:${this.tlsPort} ssl ${bind}\n`;
  }

  /** Starts the wrapper with that configuration, and without a poll: events have to tell. */
  async serveSecure(
    configuration = this.securePage(),
    { args = [], env = {} }: WrapperOptions = {},
  ): Promise<Wrapper> {
    await this.replace(configuration);
    const own = ["-f", this.configuration, "--poll-interval", "0"];
    return await this.serve({ args: [...own, ...args], env });
  }

  /** Waits until a new connection is served the certificate with that fingerprint. */
  async servesCertificate(
    { fingerprint }: { readonly fingerprint: string },
    wrapper: Wrapper,
    options: TlsOptions = {},
  ): Promise<void> {
    await waitFor(
      "the certificate to be served",
      async () => await servedTo(this.tlsPort, options) === fingerprint,
      { explain: () => wrapper.output },
    );
  }

  /** What the private socket of a generation answers. */
  async ask(command: string, generation = 1): Promise<string> {
    const [folder] = Deno.readDirSync(this.runtimeDirectory);
    const path = join(this.runtimeDirectory, folder!.name, `${generation}.sock`);
    using connection = await Deno.connect({ transport: "unix", path });
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(`${command}\n`));
    return await new Response(connection.readable).text();
  }

  /** What a new connection without TLS is answered for `path`. */
  async getPath(path: string): Promise<string> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\n\r\n`));
    return (await new Response(connection.readable).text()).split("\r\n\r\n")[1]!;
  }
}

/** Fails if any HAProxy process was started while `change` was made and had its effect. */
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

/** What is changed within this time is one change, on a slow machine as well. */
export const TOGETHER = { env: { HRW_SETTLE_TIME: "1s" } };

export interface Marker {
  /** The generation that is to be the last one. */
  readonly generation: number;
  /** A configuration that serves "marker". */
  readonly configuration: string;
}

/** Proves that nothing is reloaded after that generation, by a change of the configuration. */
export async function isLastReload(
  workspace: Workspace,
  wrapper: Wrapper,
  { generation, configuration }: Marker,
): Promise<void> {
  await wrapper.saysMatching(new RegExp(`generation ${generation} serves`));
  await workspace.replace(configuration);
  await workspace.serves("marker", wrapper);
  // What was still to be reloaded would be reloaded along with it.
  const only = quoted(workspace.configuration);
  await wrapper.saysMatching(new RegExp(`generation ${generation + 1} serves.*: "${only}"; `));
  await wrapper.stopsAt(generation + 1);
}

/** The regular expression that takes `text` as it is. */
export const quoted = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
