/** Runs the program as its users do, in a folder of its own, and reads what it says. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import denoJson from "../../deno.json" with { type: "json" };
import { waitFor } from "./wait.ts";

export interface WrapperOptions {
  /** All arguments; by default `-f` with the workspace's configuration. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Put in front of the words that start the program, for instance `["unshare", …]`. */
  readonly launcher?: readonly string[];
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
  async serves(text: string, wrapper: Wrapper): Promise<void> {
    await waitFor(`"${text}" to be served`, async () => {
      for (let asked = 0; asked < 5; asked++) if (await this.get() !== text) return false;
      return true;
    }, { explain: () => wrapper.output });
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
    for (const pid of this.haproxyPids()) Deno.kill(pid, "SIGKILL");
    await Promise.all(this.#wrappers.map(({ exitCode }) => exitCode));
    await Deno.remove(this.path, { recursive: true });
  }
}

export class Wrapper {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  output = "";

  constructor(workspace: Workspace, { args, env = {}, launcher = [] }: WrapperOptions) {
    const [command, ...words] = [
      ...launcher,
      ...PROGRAM,
      "--runtime-dir",
      workspace.runtimeDirectory,
      ...args ?? ["-f", workspace.configuration],
    ] as [string, ...string[]];
    this.#child = new Deno.Command(command, {
      args: words,
      cwd: workspace.path,
      env: { PATH: `${workspace.binaries}:${Deno.env.get("PATH")}`, NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([this.#read(this.#child.stdout), this.#read(this.#child.stderr)]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The exit status, once all output has been read. */
  get exitCode(): Promise<number> {
    return Promise.all([this.#child.status, this.#reading]).then(([{ code }]) => code);
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The wrapper's own log lines so far. */
  get lines(): string[] {
    return this.output.split("\n").filter((line) =>
      /^(?:\d{4}-.*Z (?:debug|info|warning|error) \[|\{"time")/.test(line)
    );
  }

  /** How many HAProxy starts it has said anything about, from the numbers of the generations. */
  get lastGeneration(): number {
    const numbers = this.lines.join("\n").matchAll(/generation (\d+) (?:serves|rejected)/g);
    return Math.max(0, ...[...numbers].map(([, number]) => Number(number)));
  }

  /** Waits until the output matches `pattern`; from the character `from` on, if given. */
  async saysMatching(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return await waitFor(
      `output that matches ${pattern}`,
      () => pattern.exec(this.output.slice(from)),
      {
        explain: () => this.output,
      },
    );
  }

  /** Waits until it has said something of generation `number`, and proves that there was none after it. */
  async stopsAt(number: number): Promise<void> {
    const explain = () => this.output;
    await waitFor(`generation ${number}`, () => this.lastGeneration >= number, { explain });
    assert.equal(this.lastGeneration, number, this.output);
  }

  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.output += text;
  }
}

const ROOT = join(import.meta.dirname!, "../..");

/** How the program is started: from source, with just the permissions that it has for users. */
const PROGRAM = [
  Deno.execPath(),
  "run",
  "--quiet",
  `--config=${ROOT}/deno.json`,
  ...import.meta.resolve("@std/path").startsWith("jsr:")
    ? []
    : [`--import-map=${ROOT}/tests/offline/import_map.json`],
  ...wordsOf(denoJson.tasks.lean),
  ...wordsOf(denoJson.tasks.permissions),
  `${ROOT}/main.ts`,
];

/** The words that a task prints. */
function wordsOf({ command }: { command: string }): string[] {
  return command.split(" ").slice(1);
}

export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** The pids of the processes that `pid` has started and not reaped. */
export function childrenOf(pid: number): string[] {
  return readIfThere(`/proc/${pid}/task/${pid}/children`).split(" ").filter((one) => one.trim());
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
