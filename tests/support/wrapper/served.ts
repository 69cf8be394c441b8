/** A workspace whose page comes from servers that a test makes, and says which one answered. */
import { join } from "@std/path";
import { createAsk } from "../../../lib/haproxy/runtime/client.ts";
import { parseStates, type StateRow } from "../../../lib/haproxy/runtime/server_commands.ts";
import { Workspace } from "./workspace.ts";

const NAMES = ["a", "b", "c"] as const;

export class Served extends Workspace {
  readonly #released = Promise.withResolvers<void>();
  /** Each answers with its name. */
  readonly #servers = NAMES.map((name) =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      if (request.url.endsWith("/slow")) await this.#released.promise;
      return new Response(name);
    })
  );
  readonly cli = join(this.path, "cli.sock");

  /** Those of the servers, by what they answer. */
  get addresses(): Readonly<Record<(typeof NAMES)[number], string>> {
    const [a, b, c] = this.#servers.map(({ addr }) => `127.0.0.1:${addr.port}`);
    return { a: a!, b: b!, c: c! };
  }

  /** Writes a configuration with these lines in its backend. */
  async writeServers(...parts: Parameters<Served["withServers"]>): Promise<void> {
    await this.replace(this.withServers(...parts));
  }

  /** Such a configuration. */
  withServers(lines: readonly string[], { defaults = "", extra = "" } = {}): string {
    return `global
    stats socket ${this.cli} level admin
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    ${defaults}
frontend page
    bind 127.0.0.1:${this.port}
    default_backend app
    ${extra}
backend app
    balance roundrobin
${lines.map((line) => `    ${line}\n`).join("")}`;
  }

  /** Lets requests for `/slow` end. */
  release(): void {
    this.#released.resolve();
  }

  /** Who answers `count` requests, in alphabetical order. */
  async answers(count = 6): Promise<string> {
    const names = new Set<string>();
    for (let asked = 0; asked < count; asked++) names.add(await this.get() ?? "nobody");
    return [...names].sort().join();
  }

  async rows(): Promise<Readonly<Record<string, StateRow>>> {
    const rows = parseStates(await this.command("show servers state app")) ?? [];
    return Object.fromEntries(rows.map((row) => [row.srv_name, row]));
  }

  /** To the newest generation, once the one before does not listen any more. */
  async command(text: string): Promise<string> {
    return await createAsk(this.cli)(text) ?? "";
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await super[Symbol.asyncDispose]();
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }
}
