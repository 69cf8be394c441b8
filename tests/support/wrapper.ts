/** Runs the program as its users do, in a folder of its own, and reads what it says. */
import { join } from "@std/path";
import { CONTAINMENT, PROGRAM } from "./program.ts";
import { Running } from "./running.ts";
import { waitFor } from "./wait.ts";

export interface WrapperOptions {
  /** All arguments; by default `-f` with the workspace's configuration. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Put in front of the words that start the program, for instance `["unshare", …]`. */
  readonly launcher?: readonly string[];
  /** The words that start the program; by default in the form that `PROGRAM` names. */
  readonly program?: readonly string[];
}

/** A folder for one test, with a configuration, and room for the wrapper's private folder. */
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

  /** Makes `script` what is found as `haproxy`, from now on. */
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

  /** Starts the wrapper and waits until the first generation serves. */
  async serve(options: WrapperOptions = {}): Promise<Wrapper> {
    const wrapper = this.start(options);
    await wrapper.saysMatching(/generation 1 serves/);
    return wrapper;
  }

  /** What a new connection to `port` is answered; `null` if it is not. */
  async get(port = this.port): Promise<string | null> {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
      const answer = await new Response(connection.readable).text();
      return answer.split("\r\n\r\n")[1] ?? null;
    } catch {
      return null;
    }
  }

  /** A request that has been begun and keeps the process that took it from being done. */
  async openRequest(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n"));
    return connection;
  }

  /** Waits until `text` is served; with several generations at once, by each of 5 answers in a row. */
  async serves(text: string, wrapper: Running): Promise<void> {
    await waitFor(`"${text}" to be served`, async () => {
      for (let asked = 0; asked < 5; asked++) if (await this.get() !== text) return false;
      return true;
    }, { explain: () => wrapper.output });
  }

  /** Waits until `count` old processes have said that they listen no more: till then one may take a request. */
  async haveStopped(count: number, wrapper: Running): Promise<void> {
    const stops = () => wrapper.output.split("Proxy page stopped").length - 1;
    await waitFor(`${count} old processes to listen no more`, () => stops() >= count, {
      explain: () => wrapper.output,
    });
  }

  /** The pids of all HAProxy processes that were started for this workspace. */
  haproxyPids(): number[] {
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
      if (!Number.isInteger(pid)) return false;
      const words = readIfThere(`/proc/${pid}/cmdline`).split("\0");
      return words.some((word) => word.startsWith(`${this.runtimeDirectory}/`)) &&
        !readIfThere(`/proc/${pid}/stat`).includes(") Z ");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wrapper of this.#wrappers) wrapper.kill();
    for (const pid of this.haproxyPids()) killQuietly(pid);
    await Promise.all(this.#wrappers.map(({ exitCode }) => exitCode));
    await Deno.remove(this.path, { recursive: true });
  }
}

export class Wrapper extends Running {
  #pidInside: number | undefined;

  constructor(
    workspace: Workspace,
    { args, env = {}, launcher = [], program = PROGRAM }: WrapperOptions,
  ) {
    const words = [
      ...CONTAINMENT,
      ...launcher,
      ...program,
      "--runtime-dir",
      workspace.runtimeDirectory,
      ...args ?? ["-f", workspace.configuration],
    ] as [string, ...string[]];
    const PATH = `${workspace.binaries}:${Deno.env.get("PATH")}`;
    super(words, { cwd: workspace.path, env: { PATH, NO_COLOR: "1", ...env } });
  }

  /** Its pid as we see it. */
  get pid(): number {
    return CONTAINMENT.length === 0 ? this.child.pid : this.#pidInside ??= firstChild(this.child);
  }

  /** Its pid as it sees itself. */
  get ownPid(): number {
    return CONTAINMENT.length === 0 ? this.pid : 1;
  }

  signal(signal: Deno.Signal): void {
    Deno.kill(this.pid, signal);
  }

  kill(): void {
    try {
      // What changes its user loses the signal that it was to get at its parent's end.
      if (this.#pidInside !== undefined) Deno.kill(this.#pidInside, "SIGKILL");
      this.child.kill("SIGKILL");
    } catch (error) {
      const isGone = error instanceof TypeError || error instanceof Deno.errors.NotFound;
      if (!isGone) throw error;
    }
  }
}

/**
 * A port that nobody listens on. Below those that the kernel gives to clients, or else a connection of another
 * test, which runs at the same time, could have it when it is wanted.
 */
export function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    try {
      using listener = Deno.listen({ hostname: "127.0.0.1", port });
      return listener.addr.port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Linux gives clients those from 32,768 on (ip_local_port_range). */
const FIRST_PORT = 10_000;
const PORTS = 22_000;

/** The pids of the processes that `pid` has started and not reaped. */
export function childrenOf(pid: number): string[] {
  return readIfThere(`/proc/${pid}/task/${pid}/children`).split(" ").filter((one) => one.trim());
}

/** Stops a process and waits until it is stopped: a SIGTERM that comes sooner would be taken first. */
export async function freeze(pid: number): Promise<void> {
  Deno.kill(pid, "SIGSTOP");
  const threads = () => [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  const isStopped = (thread: string) =>
    readIfThere(`/proc/${pid}/task/${thread}/stat`).includes(") T ");
  await waitFor("the process to stop", () => threads().every(isStopped));
}

/** One that has ended by itself meanwhile is as good. */
export function killQuietly(pid: number, signal: Deno.Signal = "SIGKILL"): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What `unshare` has forked, which takes it some milliseconds. */
function firstChild({ pid }: Deno.ChildProcess): number {
  for (const startedMs = Date.now(); Date.now() - startedMs < 5_000;) {
    const [child] = childrenOf(pid);
    if (child !== undefined) return Number(child);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  }
  throw new Error(`process ${pid} has started no process in a namespace of its own`);
}

/** What a file holds; nothing if it is not there, as of a process or thread that has ended. */
export function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
