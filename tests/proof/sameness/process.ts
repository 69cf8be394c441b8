/** A HAProxy of its own, which is asked what its servers are. */
import { createAsk } from "../../../lib/haproxy/runtime/client.ts";
import { parseStates } from "../../../lib/haproxy/runtime/server_commands.ts";
import { isThere } from "../../support/machine/files.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { waitFor } from "../../support/wait.ts";

export class BareHaproxy implements AsyncDisposable {
  readonly #folder = new TempFolder();
  readonly #socket = this.#folder.at("cli");
  readonly #child: Deno.ChildProcess;
  readonly #errors: Promise<string>;
  readonly ask = createAsk(this.#socket);

  /** `more`: sections of its own. */
  constructor(text: string, more = "") {
    const own = this.#folder.write(
      "own.cfg",
      `global\n stats socket ${this.#socket} level admin\n${more}`,
    );
    this.#child = new Deno.Command(HAPROXY, {
      cwd: this.#folder.path,
      args: ["-db", "-f", own, "-f", this.#folder.write("site.cfg", text)],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#errors = new Response(this.#child.stderr).text();
  }

  async answers(): Promise<this> {
    const isGone = this.#child.status.then(() => true);
    await waitFor("HAProxy to answer", async () => {
      const isOver = await Promise.race([isGone, Promise.resolve(false)]);
      if (isOver) throw new Error(`HAProxy has ended: ${await this.#errors}`);
      return await createAsk(this.#socket)("show info") !== null;
    });
    return this;
  }

  /** What there is to be seen of each server, by its full name, and the limit of each frontend. */
  async servers(): Promise<Readonly<Record<string, string>>> {
    const rows = parseStates(await this.ask("show servers state") ?? "") ?? [];
    const stats = await this.#stats("4");
    const limits = Array.from(
      await this.#stats("1"),
      ([name, { slim }]) => [name, `maxconn ${slim}`] as const,
    );
    const servers = rows.map((row) => {
      const name = `${row.be_name}/${row.srv_name}`;
      const admin = Number(row.srv_admin_state);
      const seen = [
        `${row.srv_addr} ${row.srv_port} weight ${row.srv_uweight}`,
        `maintenance ${admin & 1} drain ${admin & 8}`,
        // Configured and enabled; whether one is under way, or paused, is a matter of the moment.
        `checks ${Number(row.srv_check_state) & 6} agent ${Number(row.srv_agent_state) & 22}`,
        `check ${row.srv_check_addr} ${row.srv_check_port} agent ${row.srv_agent_addr} ${row.srv_agent_port}`,
        `ssl ${row.srv_use_ssl} ${
          STATS.map((one) => `${one} ${stats.get(name)?.[one]}`).join(" ")
        }`,
      ];
      return [name, seen.join(", ")] as const;
    });
    return Object.fromEntries([...servers, ...limits.filter(([name]) => !/^traffic/.test(name))]);
  }

  async #stats(type: string): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    const [header = "", ...lines] = (await this.ask(`show stat -1 ${type} -1`) ?? "").split("\n");
    const columns = header.replace("# ", "").split(",");
    return new Map(
      lines.filter((line) => line !== "").map((line) => {
        const fields = line.split(",");
        const row = Object.fromEntries(columns.map((name, index) => [name, fields[index] ?? ""]));
        return [`${row.pxname}/${row.svname}`, row];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#errors;
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Other tests change PATH for a while, to have a `haproxy` of their own. */
export const HAPROXY =
  (Deno.env.get("PATH") ?? "").split(":").concat("/usr/local/sbin", "/usr/sbin")
    .filter((directory) => !directory.startsWith("/tmp/"))
    .map((directory) => `${directory}/haproxy`).find(isThere) ?? "haproxy";

const STATS = [
  "slim",
  "qlimit",
  "cookie",
  "act",
  "bck",
  "check_rise",
  "check_fall",
  "mode",
  "addr",
];
