/** A workspace whose page comes from servers that a test makes, and says which one answered. */
import { join } from "@std/path";
import { createAsk } from "../../../lib/haproxy/runtime/client.ts";
import { parseStates, type StateRow } from "../../../lib/haproxy/runtime/server_commands.ts";
import { Workspace } from "./wrapper.ts";

export class Served extends Workspace {
  /** Answers of servers on these ports begin with their names. */
  readonly #servers = ["a", "b", "c"].map((name) =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      if (request.url.endsWith("/slow")) await this.#released.promise;
      return new Response(name);
    })
  );
  readonly #released = Promise.withResolvers<void>();
  readonly cli = join(this.path, "cli.sock");

  /** The address of the server whose answer is `name`. */
  address(name: "a" | "b" | "c"): string {
    const { port } = this.#servers["abc".indexOf(name)]!.addr;
    return `127.0.0.1:${port}`;
  }

  /** A configuration with these lines in its backend. */
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
