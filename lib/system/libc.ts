/** The few functions of the C library that Deno does not offer: the only user of FFI. */

/** Debian's places on both architectures, which the Alpine image keeps to, and that of Fedora and its kin. */
export const LIBC_PATHS = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
] as const;

export type Libc = ReturnType<typeof wrap>;

/** `refused`: the process is another user's. */
export type SignalOutcome = "sent" | "gone" | "refused";

export interface DirectoryReader {
  /** The next few hundred entries, in no order, without `.` and `..`; none at the end. */
  next(): readonly DirectoryEntry[];
  close(): void;
}

export interface DirectoryEntry {
  readonly name: string;
  /** Where the file system tells, and not for a link. */
  readonly isDirectory: boolean;
}

/**
 * Opens the C library and then gives the permission for FFI back, so that nothing else can ever be
 * opened. `null`: none may be opened, and the program does without.
 */
export async function openLibc(): Promise<Libc | null> {
  const opened = LIBC_PATHS.reduce<Opened | null>((found, path) => found ?? open(path), null);
  await Deno.permissions.revoke({ name: "ffi" });
  return opened === null ? null : wrap(opened.symbols);
}

const SYMBOLS = {
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  umask: { parameters: ["u32"], result: "u32" },
  malloc_trim: { parameters: ["usize"], result: "i32" },
  // Since glibc 2.30.
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize", optional: true },
  // Since glibc 2.28.
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32", optional: true },
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
/** Where siginfo_t has `si_pid`, in units of 4 bytes; it stays 0 if no child has ended. */
const SI_PID = 4;
const SIGINFO_BYTES = 128;

/** From poll(2): a struct of the file and, in one number on a little-endian machine, the events. */
const POLLOUT = 4;

/** From open(2). */
const O_RDONLY_NONBLOCK_CLOEXEC = 0x800 | 0x8_0000;

/** From flock(2): exclusive, without waiting. */
const LOCK_EX_NB = 2 | 4;

/** All that can be read of `/proc` and `/sys`, which Deno opens only with every permission. */
const MEMORY_FILE =
  /^\/proc\/(self\/(cgroup|mountinfo)|\d+\/status)$|\/memory\.(max|current|limit_in_bytes|usage_in_bytes|stat)$/;

/** More than the mounts of a busy host take. */
const MOST_BYTES = 1 << 20;

/** From statx(2). */
const AT_FDCWD = -100;
const STATX_ATTR_MOUNT_ROOT = 0x2000n;
const STX_ATTRIBUTES = 8;
const STATX_BYTES = 256;

function wrap(symbols: Opened["symbols"]) {
  const { waitid, waitpid, malloc_trim, statx, getdents64 } = symbols;

  const openToRead = (path: string) => {
    const file = symbols.open(cString(path), O_RDONLY_NONBLOCK_CLOEXEC);
    return file < 0 ? null : file;
  };

  function textOf(path: string, readBytes: typeof readWhole): string | null {
    const file = openToRead(path);
    if (file === null) return null;
    const bytes = readBytes((portion) => symbols.read(file, portion, BigInt(portion.length)));
    symbols.close(file);
    return bytes === null ? null : DECODER.decode(bytes);
  }

  /** The words that started a process, as many as 4 kB hold; none if it is gone or may not be seen. */
  function commandLine(pid: number): readonly string[] {
    if (!Number.isSafeInteger(pid) || pid <= 0) return [];
    return textOf(`/proc/${pid}/cmdline`, readBeginning)?.split("\0") ?? [];
  }

  return {
    /** The pid of a child that has ended and whose status nobody has taken; it stays untaken. */
    endedChild(): number | null {
      const info = new Int32Array(SIGINFO_BYTES / 4);
      const failed = waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) !== 0;
      return failed || info[SI_PID] === 0 ? null : info[SI_PID]!;
    },

    /** Takes the status of the ended child `pid`, after which the kernel forgets it. */
    reap(pid: number): void {
      waitpid(pid, null, WNOHANG);
    },

    /** Whether something is mounted just at `path`; `false` before Linux 5.8, which does not tell. */
    isMountRoot(path: string): boolean {
      const answer = new DataView(new ArrayBuffer(STATX_BYTES));
      const failed = statx === null || statx(AT_FDCWD, cString(path), 0, 0, answer) !== 0;
      return !failed && (answer.getBigUint64(STX_ATTRIBUTES, true) & STATX_ATTR_MOUNT_ROOT) !== 0n;
    },

    /** Whether `PIPE_BUF` bytes can be written to an open file without waiting, or only an error would come. */
    isWritable: (file: number): boolean =>
      symbols.poll(new Int32Array([file, POLLOUT]), 1n, 0) !== 0,

    /** The text of one of the kernel's files about memory; `null` if it is another, unreadable or huge. */
    readMemoryFile: (path: string): string | null =>
      MEMORY_FILE.test(path) ? textOf(path, readWhole) : null,

    /**
     * Locks a directory until this process ends, in whatever way, or the result is called. `null`: another
     * process has locked it, or the file system has no such locks.
     */
    lockDirectory(path: string): (() => void) | null {
      const file = openToRead(path);
      if (file === null) return null;
      if (symbols.flock(file, LOCK_EX_NB) === 0) return () => void symbols.close(file);
      symbols.close(file);
      return null;
    },

    commandLine,

    /** Sends a signal to a process that has `word` among its words, never to one that only got its number. */
    signalNamed(pid: number, word: string, signal: number): SignalOutcome {
      if (!commandLine(pid).includes(word)) return "gone";
      if (symbols.kill(pid, signal) === 0) return "sent";
      return commandLine(pid).includes(word) ? "refused" : "gone";
    },

    /** Opens a directory to be read in portions; `null`: it cannot be opened, or the library is too old. */
    openDirectory(path: string): DirectoryReader | null {
      const file = getdents64 === null ? null : openToRead(path);
      if (file === null || getdents64 === null) return null;
      const buffer = new DataView(new ArrayBuffer(DIRECTORY_BYTES));
      const read = () => Number(getdents64(file, buffer, BigInt(DIRECTORY_BYTES)));
      return { next: () => nextEntries(read, buffer), close: () => void symbols.close(file) };
    },

    /** Does `work`, which must not wait, with that umask: Deno 2.9 takes a further permission for it. */
    withUmask<Result>(umask: number, work: () => Result): Result {
      const before = symbols.umask(umask);
      try {
        return work();
      } finally {
        symbols.umask(before);
      }
    },

    /** Gives pages of freed memory back to the kernel: see malloc_trim(3). */
    trimMemory(): void {
      malloc_trim(0n);
    },
  };
}

/** Some 400 entries. */
const DIRECTORY_BYTES = 16_384;

/** In a `struct dirent64`, see getdents(2). */
const D_RECLEN = 16;
const D_TYPE = 18;
const D_NAME = 19;
const DT_DIR = 4;

function nextEntries(read: () => number, buffer: DataView<ArrayBuffer>): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  // A portion may hold nothing but "." and "..".
  while (entries.length === 0) {
    const length = read();
    if (length <= 0) break;
    for (let at = 0; at < length; at += buffer.getUint16(at + D_RECLEN, true)) {
      const name = nameAt(new Uint8Array(buffer.buffer, at + D_NAME));
      if (name === "." || name === "..") continue;
      entries.push({ name, isDirectory: buffer.getUint8(at + D_TYPE) === DT_DIR });
    }
  }
  return entries;
}

/** Bytes that are not UTF-8 make a name that no file has. */
const nameAt = (bytes: Uint8Array<ArrayBuffer>) =>
  DECODER.decode(bytes.subarray(0, bytes.indexOf(0)));

const DECODER = new TextDecoder();

type Read = (portion: Uint8Array<ArrayBuffer>) => bigint | number;

/** Any user may start processes with megabytes of words. */
function readBeginning(read: Read): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(4_096);
  const count = Number(read(bytes));
  return count > 0 ? bytes.subarray(0, count) : null;
}

/** The kernel gives such files in portions of its own choice. */
function readWhole(read: Read): Uint8Array<ArrayBuffer> | null {
  let bytes = new Uint8Array(4_096);
  let length = 0;
  for (;;) {
    const count = Number(read(bytes.subarray(length)));
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
