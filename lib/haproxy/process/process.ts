/** Starts HAProxy, signals it and reports how it ended: the only user of `Deno.Command`. */
import { EXIT } from "../../exit_codes.ts";
import { systemReason } from "../../text/system_reason.ts";

/** `code` is as in a shell: 128 plus the number of the signal, if one ended it. */
export type Ending =
  | { readonly tag: "exited"; readonly code: number }
  | { readonly tag: "signaled"; readonly code: number; readonly signal: string };

export interface HaproxyProcess {
  readonly pid: number;
  /** Never rejects. */
  readonly ended: Promise<Ending>;
  /** The first megabyte that it wrote, soon after its end; empty unless the output is `captured`. */
  readonly output: Promise<string>;
  /** Lets a process that waits on its stdin continue. */
  release(): Promise<void>;
  /** It is no error if the process is gone or belongs to another user. */
  signal(signal: Deno.Signal): void;
}

export type Spawn =
  | { readonly tag: "spawned"; readonly process: HaproxyProcess }
  /** `exitCode` is a shell's: 127 for a missing program, 126 for one that cannot be started. */
  | { readonly tag: "not_spawned"; readonly exitCode: number; readonly reason: string };

export interface SpawnOptions {
  /** Added to the wrapper's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly output: "inherit" | "captured";
  /** `held`: its stdin is a pipe that ends only when the process is released. Empty by default. */
  readonly stdin?: "held";
  /** Called the first time a signal is not permitted, as after HAProxy has changed its user. */
  readonly onRefused?: (signal: Deno.Signal, reason: string) => void;
}

/**
 * Starts `haproxy` from PATH, as it is now: it may have been replaced. It gets its own session, so that Ctrl-C in a
 * terminal reaches only the wrapper: HAProxy stops hard on SIGINT.
 */
export function spawnHaproxy(words: readonly string[], options: SpawnOptions): Spawn {
  const to = options.output === "captured" ? "piped" : "inherit";
  try {
    const child = new Deno.Command("haproxy", {
      args: [...words],
      env: { ...options.environment },
      detached: true,
      stdin: options.stdin === "held" ? "piped" : "null",
      stdout: to,
      stderr: to,
    }).spawn();
    return { tag: "spawned", process: wrap(child, options) };
  } catch (error) {
    return error instanceof Deno.errors.NotFound
      ? { tag: "not_spawned", exitCode: EXIT.NOT_FOUND, reason: "not found" }
      : { tag: "not_spawned", exitCode: EXIT.NOT_EXECUTABLE, reason: reasonOf(error) };
  }
}

/** Whether `pid` was started here and Deno has yet to report its status. */
export const isOwnChild = (pid: number): boolean => ownChildren.has(pid);

const ownChildren = new Set<number>();

/** Deno resolves `--allow-run=haproxy` to a path once, at startup. The file at that path may be replaced. */
function reasonOf(error: unknown): string {
  const reason = systemReason(error);
  const [, loader] = /^Requires --allow-run .*? with (.*?) environment variable/.exec(reason) ?? [];
  if (loader !== undefined) return `Deno starts no program with ${loader} in the environment`;
  return reason.startsWith("Requires run access")
    ? "it is no longer the file that was found when the wrapper started, and only that one may run: " +
      "restart the wrapper"
    : reason;
}

/** An ending as part of a sentence: `exited with 1`, `was killed by SIGSEGV`. */
export const describeEnding = (ending: Ending): string =>
  ending.tag === "exited" ? `exited with ${ending.code}` : `was killed by ${ending.signal}`;

function wrap(
  child: Deno.ChildProcess,
  { output, stdin, onRefused }: SpawnOptions,
): HaproxyProcess {
  let isRefused = false;
  ownChildren.add(child.pid);
  const ended = child.status.then(endingOf, unknownEnding)
    .finally(() => ownChildren.delete(child.pid));
  return {
    pid: child.pid,
    ended,
    output: output === "captured" ? outputOf(child, ended) : Promise.resolve(""),
    async release() {
      // The process may be gone already.
      if (stdin === "held") await child.stdin.close().catch(() => {});
    },
    signal(signal) {
      try {
        child.kill(signal);
      } catch (error) {
        if (error instanceof Deno.errors.PermissionDenied) {
          if (!isRefused) onRefused?.(signal, systemReason(error));
          isRefused = true;
          return;
        }
        // Deno throws a TypeError: "Child process has already terminated".
        const isGone = error instanceof TypeError || error instanceof Deno.errors.NotFound;
        if (!isGone) throw error;
      }
    },
  };
}

function endingOf({ code, signal }: Deno.CommandStatus): Ending {
  return signal === null ? { tag: "exited", code } : { tag: "signaled", code, signal };
}

/** Deno 2.6 and 2.9 reject the status of a child that died of a real-time signal (34 or higher). */
function unknownEnding(): Ending {
  return { tag: "signaled", code: 128 + 34, signal: "a real-time signal" };
}

/** What the process has started, for instance from Lua, may hold its output open for ever. */
async function outputOf(child: Deno.ChildProcess, ended: Promise<unknown>): Promise<string> {
  const readers = [child.stdout, child.stderr].map((stream) => stream.getReader());
  const texts = Promise.all(readers.map(beginningOf));
  await ended;
  const limit = setTimeout(() => readers.forEach((reader) => reader.cancel()), REST_LIMIT_MS);
  return (await texts.finally(() => clearTimeout(limit))).join("");
}

/** How long it may take to read what a process wrote just before its end. */
const REST_LIMIT_MS = 1_000;

/** Keeps the beginning, but reads to the end so that the process does not block. */
async function beginningOf(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text.slice(0, MOST_OUTPUT);
    if (text.length < MOST_OUTPUT) text += decoder.decode(value, { stream: true });
  }
}

const MOST_OUTPUT = 1_000_000;
