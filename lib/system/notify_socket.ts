/** Sends messages to the service manager: datagrams to the unix socket that NOTIFY_SOCKET names, see sd_notify(3). */
import type { Libc } from "./libc.ts";
import type { LogEntry } from "./log.ts";

export interface NotifySocketOptions {
  /** What NOTIFY_SOCKET says: a path, or `@` and the name of an abstract socket. */
  readonly name: string;
  /** `null`: nothing can be sent. */
  readonly libc: Pick<Libc, "sendDatagram"> | null;
  readonly log: (entry: LogEntry) => void;
}

export interface NotifySocket {
  /** Sends `message` now, or once the manager takes it, in order. */
  send(message: string): void;
  /** Tries what is left once more, and gives up. */
  close(): void;
}

/** Warns, once, if messages cannot be sent: nothing else depends on them. */
export function openNotifySocket({ name, libc, log }: NotifySocketOptions): NotifySocket {
  const address = addressOf(name);
  if (libc === null || address === null) {
    log(describeUnusable(name, libc === null ? NO_LIBRARY : UNKNOWN_ADDRESS));
    return { send() {}, close() {} };
  }
  let waiting: string[] = [];
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    timer = undefined;
    while (waiting.length > 0 && libc!.sendDatagram(address!, waiting[0]!)) {
      waiting.shift();
      failures = 0;
    }
    if (waiting.length === 0) return;
    if (++failures === FAILURES_UNTIL_WARNING) log(describeUnreachable(name));
    timer = setTimeout(flush, failures < FAILURES_UNTIL_WARNING ? PAUSE_MS : LONG_PAUSE_MS);
  }

  return {
    send(message) {
      waiting = withoutOldest([...waiting, message]);
      if (timer === undefined) flush();
    },
    close() {
      clearTimeout(timer);
      flush();
      clearTimeout(timer);
    },
  };
}

/** What `sun_path` of unix(7) holds for the name; `null` if it is neither a path nor abstract, or too long. */
function addressOf(name: string): Uint8Array | null {
  if (!/^[/@]./s.test(name)) return null;
  const bytes = new TextEncoder().encode(name.startsWith("@") ? `\0${name.slice(1)}` : `${name}\0`);
  return bytes.length <= SUN_PATH_BYTES ? bytes : null;
}

const SUN_PATH_BYTES = 108;

/** The manager may be busy, and its queue full. */
const PAUSE_MS = 50;
const FAILURES_UNTIL_WARNING = 20;
const LONG_PAUSE_MS = 5_000;

/** Only the last ones matter. */
const MOST_WAITING = 20;

/** Drops a status, which the next one replaces, before a `READY=1`, which the manager waits for. */
function withoutOldest(messages: readonly string[]): string[] {
  const outdated = messages.slice(0, -1).findIndex((message) => /^STATUS=.*$/.test(message));
  return messages.length <= MOST_WAITING
    ? [...messages]
    : messages.toSpliced(Math.max(outdated, 0), 1);
}

const NO_LIBRARY = "no C library was found where one is expected";
const UNKNOWN_ADDRESS = `it is neither an absolute path nor "@" and a name, of at most ${
  SUN_PATH_BYTES - 1
} bytes`;

const describeUnusable = (name: string, reason: string): LogEntry => ({
  level: "warning",
  text: `cannot notify the service manager at "${name}" (NOTIFY_SOCKET): ${reason}; ` +
    "it is told nothing",
  fields: { reason },
});

const describeUnreachable = (name: string): LogEntry => ({
  level: "warning",
  text: `the service manager at "${name}" (NOTIFY_SOCKET) takes no message; retry every 5 s`,
  fields: { reason: "NOTIFY_SOCKET takes no message" },
});
