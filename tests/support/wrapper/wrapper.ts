/** The program as its users run it. */
import assert from "node:assert/strict";
import { namesIn } from "../machine/files.ts";
import { childrenOf, watches } from "../machine/processes.ts";
import { CONTAINMENT, PROGRAM } from "./program.ts";
import { Running } from "./running.ts";
import type { Workspace } from "./workspace.ts";

export interface WrapperOptions {
  /** All arguments; by default `-f` with the workspace's configuration, and `flags`. */
  readonly args?: readonly string[];
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Words in front of those that start the program, for instance `["unshare", …]`. */
  readonly launcher?: readonly string[];
  /** The words that start the program; by default in the form that `PROGRAM` names. */
  readonly program?: readonly string[];
  /** `false` if its configuration's directories cannot all be watched. */
  readonly hasEvents?: boolean;
}

export class Wrapper extends Running {
  #pidInside: number | undefined;

  constructor(
    readonly workspace: Workspace,
    { flags = [], args, env = {}, launcher = [], program = PROGRAM }: WrapperOptions,
  ) {
    const words = [
      ...CONTAINMENT,
      ...launcher,
      ...program,
      "--runtime-dir",
      workspace.runtimeDirectory,
      ...args ?? ["-f", workspace.configuration, ...flags],
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

  /** Waits until it is told about events in these directories. */
  async watches(...directories: readonly string[]): Promise<void> {
    for (const directory of directories) {
      await this.until(`"${directory}" to be watched`, () => watches(this.pid, directory));
    }
  }

  /** Asserts that it exits with that status, and leaves no process and no file. */
  async endsWith(status: number): Promise<void> {
    assert.equal(await this.exitCode, status, this.output);
    assert.deepEqual(this.workspace.haproxyPids(), [], this.output);
    assert.deepEqual(namesIn(this.workspace.runtimeDirectory), [], this.output);
  }

  /** Asserts that the signal ends it with that status, and leaves no process and no file. */
  async endsBy(signal: Deno.Signal, status: number): Promise<void> {
    this.signal(signal);
    await this.endsWith(status);
  }

  /** Kills it, and waits until it is gone. */
  async dies(): Promise<void> {
    this.kill();
    await this.child.status;
  }

  kill(): void {
    try {
      // A process that changes its user loses the signal for its parent's death.
      if (this.#pidInside !== undefined) Deno.kill(this.#pidInside, "SIGKILL");
      this.child.kill("SIGKILL");
    } catch (error) {
      const isGone = error instanceof TypeError || error instanceof Deno.errors.NotFound;
      if (!isGone) throw error;
    }
  }
}

/** The child of `unshare`, which takes some milliseconds to appear. */
function firstChild({ pid }: Deno.ChildProcess): number {
  for (const startedMs = Date.now(); Date.now() - startedMs < FORK_LIMIT_MS;) {
    const [child] = childrenOf(pid);
    if (child !== undefined) return Number(child);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  }
  throw new Error(`process ${pid} has started no process in a namespace of its own`);
}

const FORK_LIMIT_MS = 60_000;
