/** Writes lines to stdout without ever blocking on a slow reader. */
import { sleep } from "./cut_off.ts";

/** Its file descriptor. */
export const STDOUT = 1;

export interface StdoutOptions {
  /** Whether 4 kB can be written without blocking. */
  readonly isWritable: () => boolean;
  /** Writes some of the bytes and returns how many; throws the system's error. */
  readonly write?: (bytes: Uint8Array) => number;
  /** Called with the number of lost lines, once lines can be written again. */
  readonly onLost: (lines: number) => void;
}

export interface Stdout {
  /** Writes a line now or later; a line is lost if too many are waiting. */
  writeLine(line: string): void;
  /** Gives the reader a moment to read the rest. */
  end(): Promise<void>;
}

export function createStdout(options: StdoutOptions): Stdout {
  const { isWritable, write = (bytes) => Deno.stdout.writeSync(bytes), onLost } = options;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    while (waiting.length > 0 && isWritable()) {
      const written = writeSome(write, waiting[0]!);
      if (written === null) return wait();
      waitingBytes -= written;
      const rest = waiting[0]!.subarray(written);
      waiting = rest.length > 0 ? [rest, ...waiting.slice(1)] : waiting.slice(1);
    }
    if (waiting.length > 0) return wait();
    const lines = lost;
    lost = 0;
    if (lines > 0) onLost(lines);
  }

  function wait(): void {
    timer ??= setTimeout(flush, PAUSE_MS);
  }

  return {
    writeLine(line) {
      const bytes = new TextEncoder().encode(`${line}\n`);
      const isTooMuch = waitingBytes + bytes.length > MOST_BYTES;
      // A single line may be longer, for instance if it names thousands of files.
      if (isTooMuch && waiting.length > 0) return void lost++;
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (timer === undefined) flush();
    },
    async end() {
      const endMs = performance.now() + END_MS;
      while (waiting.length > 0 && performance.now() < endMs) {
        await sleep(PAUSE_MS / 10);
        flush();
      }
      clearTimeout(timer);
    },
  };
}

/** What a writable pipe takes without blocking (PIPE_BUF in pipe(7)). */
const PIECE_BYTES = 4_096;

/** A few hundred lines. */
const MOST_BYTES = 65_536;

const PAUSE_MS = 100;
const END_MS = 200;

/**
 * `null`: not now. An HAProxy that logs to stdout makes it non-blocking for the wrapper too. A reader that is gone must
 * not stop the program, so everything then counts as written.
 */
function writeSome(write: (bytes: Uint8Array) => number, bytes: Uint8Array): number | null {
  try {
    return write(bytes.subarray(0, PIECE_BYTES));
  } catch (error) {
    return error instanceof Deno.errors.WouldBlock ? null : bytes.length;
  }
}
