/** A service manager's end of NOTIFY_SOCKET: a datagram socket of the kernel's, as systemd's is. */
import type { Need } from "../needs.ts";
import { waitFor } from "../wait.ts";

/** Deno's own sockets, which only the tests use: they need a flag, and Deno 2.6 knows none without a path. */
export const DATAGRAMS: Need = {
  missing: "listenDatagram" in Deno ? null : "needs Deno's --unstable-net",
  isOptional: true,
};

export function abstractDatagrams(): Need {
  if (DATAGRAMS.missing !== null) return DATAGRAMS;
  try {
    new ServiceManager(`@hrw-test-${crypto.randomUUID()}`).close();
    return { missing: null };
  } catch {
    return { missing: "needs a Deno with abstract sockets", isOptional: true };
  }
}

export class ServiceManager implements Disposable {
  /** For NOTIFY_SOCKET. */
  readonly name: string;
  readonly messages: string[] = [];
  readonly #socket: Deno.DatagramConn;

  /** `name`: a path, or `@` and the name of an abstract socket. */
  constructor(name: string) {
    this.name = name;
    const path = name.replace(/^@/, "\0");
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
  }

  /** Reads messages as they come, which otherwise wait in the kernel. */
  async read(): Promise<void> {
    for await (const [bytes] of this.#socket) this.messages.push(new TextDecoder().decode(bytes));
  }

  /** The assignments in the order of their arrival, without STATUS. */
  get assignments(): readonly string[] {
    return this.messages.flatMap((message) => message.split("\n"))
      .filter((line) => !line.startsWith("STATUS="));
  }

  get status(): string {
    const lines = this.messages.flatMap((message) => message.split("\n"));
    return lines.findLast((line) => line.startsWith("STATUS="))?.slice("STATUS=".length) ?? "";
  }

  async isTold(...assignments: readonly string[]): Promise<void> {
    const known = () => this.assignments.map((line) => line.replace(/(_USEC)=\d+$/, "$1"));
    await waitFor(
      `"${assignments.join(" ")}"`,
      () => known().join() === assignments.join(),
      { explain: () => this.messages.join("\n--\n") },
    );
  }

  async hasStatus(pattern: RegExp): Promise<void> {
    await waitFor(`a status like ${pattern}`, () => pattern.test(this.status), {
      explain: () => this.messages.join("\n--\n"),
    });
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** As `systemctl reload` compares it with MONOTONIC_USEC: CLOCK_MONOTONIC, to the 10 ms of /proc. */
export function monotonicMicroseconds(): number {
  const [seconds] = Deno.readTextFileSync("/proc/uptime").split(" ");
  return Number(seconds) * 1_000_000;
}
