/** Writes lines to stdout without ever waiting for whoever reads them: a full pipe must not hold up the program. */

/** The number of that open file. */
export const STDOUT = 1;

export interface StdoutOptions {
  /** Whether 4 kB can be written now. */
  readonly isWritable: () => boolean;
  /** Writes some of the bytes and tells how many; throws the system's error. */
  readonly write?: (bytes: Uint8Array) => number;
  /** Told when lines can be written again, and how many were lost meanwhile. */
  readonly onLost: (lines: number) => void;
}

export interface Stdout {
  /** Writes a line, now or later; what does not fit in the memory kept for that is lost. */
  writeLine(line: string): void;
  /** Gives whoever reads a moment to take what is left. */
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
      // One line alone may be longer, as of thousands of changed files.
      if (isTooMuch && waiting.length > 0) return void lost++;
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (timer === undefined) flush();
    },
    async end() {
      const endMs = performance.now() + END_MS;
      while (waiting.length > 0 && performance.now() < endMs) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS / 10));
        flush();
      }
      clearTimeout(timer);
    },
  };
}

/** What a pipe takes without waiting, if it takes anything (PIPE_BUF in pipe(7)). */
const PIECE_BYTES = 4_096;

/** Some hundred lines. */
const MOST_BYTES = 65_536;

const PAUSE_MS = 100;
const END_MS = 200;

/**
 * `null`: not now. HAProxy makes a stdout that it logs to one that never waits, and with it the wrapper's.
 * That nobody reads it any more is no reason to stop serving: then all counts as written.
 */
function writeSome(write: (bytes: Uint8Array) => number, bytes: Uint8Array): number | null {
  try {
    return write(bytes.subarray(0, PIECE_BYTES));
  } catch (error) {
    return error instanceof Deno.errors.WouldBlock ? null : bytes.length;
  }
}
