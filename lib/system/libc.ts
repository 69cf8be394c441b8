/** The few functions of the C library that Deno does not offer: the only user of FFI. */

import { DIRECTORY_BYTES, type DirectoryEntry, nextEntries } from "./directory_entries.ts";

/** Debian's paths on both architectures, which the Alpine image also uses, and that of Fedora and its relatives. */
export const LIBC_PATHS = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
] as const;

export type Libc = ReturnType<typeof wrap>;

/** `refused`: the process belongs to another user. */
export type SignalOutcome = "sent" | "gone" | "refused";

export interface DirectoryReader {
  /** The next few hundred entries, unordered, without `.` and `..`; none at the end. */
  next(): readonly DirectoryEntry[];
  close(): void;
}

/**
 * Opens the C library and then revokes the permission for FFI, so that nothing else can ever be opened. `null` if none
 * can be opened; the program then works without it.
 */
export async function openLibc(): Promise<Libc | null> {
  const opened = LIBC_PATHS.reduce<Opened | null>((found, path) => found ?? open(path), null);
  await Deno.permissions.revoke({ name: "ffi" });
  return opened === null ? null : wrap(opened.symbols);
}

/**
 * An `int` or `ssize_t`, as a struct of it, which C returns alike. For functions with other results Deno compiles fast
 * calls at once (2.6 and 2.9), which takes 1.3 ms of the start, and which lite mode never uses.
 */
const INT = { struct: ["i32"] } as const;
const SIZE = { struct: ["isize"] } as const;

const SYMBOLS = {
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: INT },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: INT },
  open: { parameters: ["buffer", "i32"], result: INT },
  read: { parameters: ["i32", "buffer", "usize"], result: SIZE },
  close: { parameters: ["i32"], result: INT },
  poll: { parameters: ["buffer", "u64", "i32"], result: INT },
  flock: { parameters: ["i32", "i32"], result: INT },
  kill: { parameters: ["i32", "i32"], result: INT },
  socket: { parameters: ["i32", "i32", "i32"], result: INT },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: SIZE },
  clock_gettime: { parameters: ["i32", "buffer"], result: INT },
  umask: { parameters: ["u32"], result: INT },
  malloc_trim: { parameters: ["usize"], result: INT },
  // Since glibc 2.30.
  getdents64: { parameters: ["i32", "buffer", "usize"], result: SIZE, optional: true },
  // Since glibc 2.28.
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: INT, optional: true },
} as const;

type Opened = Deno.DynamicLibrary<typeof SYMBOLS>;

function open(path: string): Opened | null {
  try {
    return Deno.dlopen(path, SYMBOLS);
  } catch {
    return null;
  }
}

/** From waitid(2); the numbers and layouts below are those of 64-bit Linux on x86-64 and arm64. */
const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
/** The offset of `si_pid` in siginfo_t, in units of 4 bytes; the field stays 0 if no child has ended. */
const SI_PID = 4;
const SIGINFO_BYTES = 128;

/** From poll(2): a struct of the file and the events, which are one number on a little-endian machine. */
const POLLOUT = 4;

/** From open(2). */
const O_RDONLY_NONBLOCK_CLOEXEC = 0x800 | 0x8_0000;

/** From flock(2): exclusive and non-blocking. */
const LOCK_EX_NB = 2 | 4;

/** From socket(2), send(2) and unix(7). */
const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x8_0000;
const MSG_NOSIGNAL = 0x4000;

/** From clock_gettime(2). */
const CLOCK_MONOTONIC = 1;

/** The only files in `/proc` and `/sys` that may be read. Deno opens them only with every permission. */
const KERNEL_FILE =
  /^\/proc\/(self\/(cgroup|mountinfo)|\d+\/status|locks|loadavg)$|\/memory\.(max|current|limit_in_bytes|usage_in_bytes|stat)$/;

/** More than a busy host's list of mounts takes. */
const MOST_BYTES = 1 << 20;

/** From statx(2). */
const AT_FDCWD = -100;
const STATX_ATTR_MOUNT_ROOT = 0x2000n;
const STX_ATTRIBUTES = 8;
const STATX_BYTES = 256;

/** The number in a struct of one; both architectures put the lowest byte first. */
function numberIn(struct: Uint8Array): number {
  const view = new DataView(struct.buffer, struct.byteOffset);
  return struct.length === 4 ? view.getInt32(0, true) : Number(view.getBigInt64(0, true));
}

function wrap(symbols: Opened["symbols"]) {
  const { waitid, waitpid, malloc_trim, statx, getdents64 } = symbols;

  const openToRead = (path: string) => {
    const file = numberIn(symbols.open(cString(path), O_RDONLY_NONBLOCK_CLOEXEC));
    return file < 0 ? null : file;
  };

  function textOf(path: string, readBytes: typeof readWhole): string | null {
    const file = openToRead(path);
    if (file === null) return null;
    const bytes = readBytes((portion) =>
      numberIn(symbols.read(file, portion, BigInt(portion.length)))
    );
    symbols.close(file);
    return bytes === null ? null : DECODER.decode(bytes);
  }

  /** The arguments of a process, up to 4 kB; none if it is gone or not visible. */
  function commandLine(pid: number): readonly string[] {
    if (!Number.isSafeInteger(pid) || pid <= 0) return [];
    return textOf(`/proc/${pid}/cmdline`, readBeginning)?.split("\0") ?? [];
  }

  return {
    /** The pid of an ended child whose status nobody has taken yet; this does not take it either. */
    endedChild(): number | null {
      const info = new Int32Array(SIGINFO_BYTES / 4);
      const failed = numberIn(waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT)) !== 0;
      return failed || info[SI_PID] === 0 ? null : info[SI_PID]!;
    },

    /** Takes the status of the ended child `pid`, after which the kernel forgets it. */
    reap(pid: number): void {
      waitpid(pid, null, WNOHANG);
    },

    /** Whether something is mounted exactly at `path`; `false` before Linux 5.8, which does not report it. */
    isMountRoot(path: string): boolean {
      const answer = new DataView(new ArrayBuffer(STATX_BYTES));
      const failed = statx === null ||
        numberIn(statx(AT_FDCWD, cString(path), 0, 0, answer)) !== 0;
      return !failed && (answer.getBigUint64(STX_ATTRIBUTES, true) & STATX_ATTR_MOUNT_ROOT) !== 0n;
    },

    /** Whether a write of `PIPE_BUF` bytes to an open file would not block: it succeeds or fails at once. */
    isWritable: (file: number): boolean =>
      numberIn(symbols.poll(new Int32Array([file, POLLOUT]), 1n, 0)) !== 0,

    /** The text of one of the kernel's files about memory, processes, locks and load; `null` if it is any other file, unreadable or huge. */
    readKernelFile: (path: string): string | null =>
      KERNEL_FILE.test(path) ? textOf(path, readWhole) : null,

    /**
     * Locks a directory until this process ends, however it ends, or the result is called. `null` if another
     * process has locked it or the file system has no such locks.
     */
    lockDirectory(path: string): (() => void) | null {
      const file = openToRead(path);
      if (file === null) return null;
      if (numberIn(symbols.flock(file, LOCK_EX_NB)) === 0) return () => void symbols.close(file);
      symbols.close(file);
      return null;
    },

    commandLine,

    /** Sends a signal to a process that has `word` among its arguments, never to one that only reuses its pid. */
    signalNamed(pid: number, word: string, signal: number): SignalOutcome {
      if (!commandLine(pid).includes(word)) return "gone";
      if (numberIn(symbols.kill(pid, signal)) === 0) return "sent";
      return commandLine(pid).includes(word) ? "refused" : "gone";
    },

    /** Sends a datagram to a unix socket without blocking; `address` is what `sun_path` holds. */
    sendDatagram(address: Uint8Array, text: string): boolean {
      const file = numberIn(symbols.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0));
      if (file < 0) return false;
      const to = new Uint8Array([AF_UNIX, 0, ...address]);
      const bytes = new TextEncoder().encode(text);
      const sent = symbols.sendto(file, bytes, BigInt(bytes.length), MSG_NOSIGNAL, to, to.length);
      symbols.close(file);
      return numberIn(sent) === bytes.length;
    },

    /** The time since the machine was booted, without its sleep. */
    monotonicMicroseconds(): bigint {
      const time = new BigInt64Array(2);
      symbols.clock_gettime(CLOCK_MONOTONIC, time);
      return time[0]! * 1_000_000n + time[1]! / 1_000n;
    },

    /** Opens a directory for reading in portions; `null` if it cannot be opened or the library is too old. */
    openDirectory(path: string): DirectoryReader | null {
      const file = getdents64 === null ? null : openToRead(path);
      if (file === null || getdents64 === null) return null;
      const buffer = new DataView(new ArrayBuffer(DIRECTORY_BYTES));
      const read = () => numberIn(getdents64(file, buffer, BigInt(DIRECTORY_BYTES)));
      return { next: () => nextEntries(read, buffer), close: () => void symbols.close(file) };
    },

    /** Does `work`, which must be synchronous, with that umask. Deno 2.9 requires another permission for this. */
    withUmask<Result>(umask: number, work: () => Result): Result {
      const before = numberIn(symbols.umask(umask));
      try {
        return work();
      } finally {
        symbols.umask(before);
      }
    },

    /** Returns freed memory to the kernel: see malloc_trim(3). */
    trimMemory(): void {
      malloc_trim(0n);
    },
  };
}

const DECODER = new TextDecoder();

type Read = (portion: Uint8Array<ArrayBuffer>) => number;

/** Any user may start processes with megabytes of arguments. */
function readBeginning(read: Read): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(4_096);
  const count = read(bytes);
  return count > 0 ? bytes.subarray(0, count) : null;
}

/** The kernel chooses how much of such a file each read returns. */
function readWhole(read: Read): Uint8Array<ArrayBuffer> | null {
  let bytes = new Uint8Array(4_096);
  let length = 0;
  for (;;) {
    const count = read(bytes.subarray(length));
    if (count <= 0) return count < 0 ? null : bytes.subarray(0, length);
    length += count;
    if (length < bytes.length) continue;
    if (length >= MOST_BYTES) return null;
    const larger = new Uint8Array(2 * length);
    larger.set(bytes);
    bytes = larger;
  }
}

const cString = (text: string) => new TextEncoder().encode(`${text}\0`);
