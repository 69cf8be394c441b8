/** A folder for one test: its configuration, and the wrappers that run in it. */
import { join } from "@std/path";
import { FOLDER_PREFIX } from "../../../lib/haproxy/private_folder/made_folder.ts";
import { namesIn, readIfThere } from "../machine/files.ts";
import { freePort } from "../machine/free_port.ts";
import { killQuietly, listensOn, stateOf } from "../machine/processes.ts";
import type { Running } from "./running.ts";
import { Wrapper, type WrapperOptions } from "./wrapper.ts";

export class Workspace implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ dir: "/tmp", prefix: "hrw-test-" });
  readonly runtimeDirectory = join(this.path, "run");
  readonly configurationDirectory = join(this.path, "conf");
  readonly configuration = join(this.configurationDirectory, "haproxy.cfg");
  readonly binaries = join(this.path, "bin");
  readonly port = freePort();
  readonly #wrappers: Wrapper[] = [];

  constructor() {
    Deno.mkdirSync(this.runtimeDirectory);
    Deno.mkdirSync(this.configurationDirectory);
    Deno.mkdirSync(this.binaries);
    Deno.writeTextFileSync(this.configuration, this.page("one"));
  }

  /** A path in the folder. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file in the folder, and returns its path. */
  write(name: string, text: string): string {
    Deno.writeTextFileSync(this.at(name), text);
    return this.at(name);
  }

  /** A configuration that answers each request with `text`. */
  page(text: string, { port = this.port, extra = "" } = {}): string {
    return `defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
${extra}
frontend page
    bind 127.0.0.1:${port}
    http-request return status 200 content-type text/plain string "${text}"
`;
  }

  /** Replaces `path`, at once, as careful programs do. */
  async replace(content: string, path = this.configuration): Promise<void> {
    await Deno.writeTextFile(join(this.path, "replacement"), content);
    await Deno.rename(join(this.path, "replacement"), path);
  }

  /** The same in two steps: writes the content, and returns what then replaces `path`. */
  prepareToReplace(content: string, path = this.configuration): () => void {
    const replacement = join(this.path, "replacement");
    Deno.writeTextFileSync(replacement, content);
    return () => Deno.renameSync(replacement, path);
  }

  /** Makes `script` the `haproxy` in PATH. */
  async standIn(script: string): Promise<void> {
    const path = join(this.path, "replacement-binary");
    await Deno.writeTextFile(path, script, { mode: 0o755 });
    await Deno.chmod(path, 0o755);
    await Deno.rename(path, join(this.binaries, "haproxy"));
  }

  start(options: WrapperOptions = {}): Wrapper {
    const wrapper = new Wrapper(this, options);
    this.#wrappers.push(wrapper);
    return wrapper;
  }

  /** Starts the wrapper and waits until the first generation serves, and its configuration is watched. */
  async serve(options: WrapperOptions = {}): Promise<Wrapper> {
    const wrapper = this.start(options);
    await wrapper.says(/generation 1 serves/);
    if (this.#isWatched(options)) await wrapper.watches(this.path, this.configurationDirectory);
    return wrapper;
  }

  #isWatched({ args, flags = [], env = {}, hasEvents = true }: WrapperOptions): boolean {
    const words = args ?? [this.configuration, ...flags];
    const isAsked = !words.includes("--no-reload") && env.DISABLE_RELOAD === undefined;
    return hasEvents && isAsked && words.includes(this.configuration);
  }

  /** The answer on a new connection to `port`; `null` if there is none. */
  async get(port = this.port): Promise<string | null> {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      return await get(connection);
    } catch {
      return null;
    }
  }

  /** Begins a request, which keeps the process that accepted it from draining. */
  async openRequest(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n"));
    return connection;
  }

  /** Waits until five answers in a row are `text`, as several generations may answer at once. */
  async serves(text: string, wrapper: Running): Promise<void> {
    await wrapper.until(`"${text}" to be served`, async () => {
      for (let asked = 0; asked < 5; asked++) if (await this.get() !== text) return false;
      return true;
    });
  }

  /** Changes the configuration to a page of `text`, and waits until it is served. */
  async changeTo(text: string, wrapper: Running): Promise<void> {
    await this.replace(this.page(text));
    await this.serves(text, wrapper);
  }

  /**
   * Waits until `count` old processes have stopped listening: until then one may accept a request, with several threads
   * even a moment after one of them has logged it (3.4).
   */
  async haveStopped(count: number, wrapper: Running): Promise<void> {
    const stops = () => wrapper.output.split("Proxy page stopped").length - 1;
    const listening = () => this.haproxyPids().filter((pid) => listensOn(pid, this.port));
    await wrapper.until(
      `${count} old processes to listen no more`,
      () => stops() >= count && listening().length <= 1,
    );
  }

  /** The wrapper's, of whose folders below the runtime directory it is the first by name. */
  get privateFolder(): string {
    const names = namesIn(this.runtimeDirectory).filter((name) => name.startsWith(FOLDER_PREFIX));
    return join(this.runtimeDirectory, names[0] ?? "none");
  }

  /** Moves the wrapper's private folder away, at once, since the wrapper makes again what is missing in it. Returns its path. */
  async losePrivateFolder(): Promise<string> {
    const folder = this.privateFolder;
    await Deno.rename(folder, this.at("lost"));
    return folder;
  }

  /** The private socket of a generation. */
  privateSocket(generation = 1): string {
    return join(this.privateFolder, `${generation}.sock`);
  }

  /** Asks a generation on its private socket. */
  async askPrivately(command: string, generation = 1): Promise<string> {
    const path = this.privateSocket(generation);
    using connection = await Deno.connect({ transport: "unix", path });
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(`${command}\n`));
    return await new Response(connection.readable).text();
  }

  /** The pids of all HAProxy processes of this workspace, the oldest first. */
  haproxyPids(): number[] {
    return namesIn("/proc").map(Number).filter((pid) => {
      if (!Number.isInteger(pid)) return false;
      const words = readIfThere(`/proc/${pid}/cmdline`).split("\0");
      return words.some((word) => word.startsWith(`${this.runtimeDirectory}/`)) &&
        stateOf(pid) !== "Z";
    }).sort((one, other) => one - other);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wrapper of this.#wrappers) wrapper.kill();
    for (const pid of this.haproxyPids()) killQuietly(pid);
    await Promise.all(this.#wrappers.map(({ exitCode }) => exitCode));
    await Deno.remove(this.path, { recursive: true });
  }
}

/** A configuration's end that HAProxy takes long to parse. */
export const MANY_BACKENDS = Array.from(
  { length: 3_000 },
  (_, n) => `backend b${n}\n    server s 127.0.0.1:1\n`,
).join("");

/** The body of the answer to a request; `null` if there is none. */
export async function get(connection: Deno.Conn, path = "/"): Promise<string | null> {
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\n\r\n`));
  const answer = await new Response(connection.readable).text();
  return answer.split("\r\n\r\n")[1] ?? null;
}

/** Finishes a request that `openRequest` began, and reads the whole answer. */
export async function finish(request: Deno.TcpConn): Promise<string> {
  await request.write(new TextEncoder().encode("\r\n"));
  return await new Response(request.readable).text();
}
