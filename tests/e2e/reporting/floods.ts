/**
 * Clients that try to keep others from the status, each in its own way. They run in a process of their own, whose
 * event loop has nothing else to do: `deno run floods.ts WHAT PORT COUNT`, until it is killed.
 */
import { connect } from "node:net";
import { Running } from "../../support/wrapper/running.ts";

type Attack = (port: number) => Promise<void>;

const HALF = new TextEncoder().encode("GET / HTTP/1.1\r\nA: ");
const WHOLE = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
const BYTE = new TextEncoder().encode("x");

export const ATTACKS = {
  /** Whoever is dropped comes back at once. */
  "say nothing": async (port) => {
    for (;;) await hold(port, () => Promise.resolve());
  },
  "send a head a byte at a time": async (port) => {
    for (;;) {
      await hold(port, async (connection) => {
        await connection.write(HALF);
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          await connection.write(BYTE);
        }
      });
    }
  },
  "never read their responses": async (port) => {
    for (;;) {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(WHOLE).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  },
  "end their side and stay": async (port) => {
    for (;;) await hold(port, (connection) => connection.closeWrite());
  },
  "reconnect without an end": async (port) => {
    for (;;) {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(HALF).catch(() => {});
      await connection.closeWrite().catch(() => {});
      // Otherwise the kernel would keep ever more finished connections.
      await readAll(connection);
    }
  },
  /** Reset before they are accepted, if Deno can (2.6 cannot); otherwise they just end. */
  "reset their connections": async (port) => {
    for (;;) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, "127.0.0.1");
        socket.on("connect", () => socket.resetAndDestroy?.() ?? socket.destroy());
        socket.on("error", () => {});
        socket.on("close", () => resolve());
      });
    }
  },
} as const satisfies Readonly<Record<string, Attack>>;

if (import.meta.main) {
  const [what, port, count] = Deno.args;
  const attack: Attack = ATTACKS[what as keyof typeof ATTACKS];
  for (let number = 0; number < Number(count); number++) attack(Number(port));
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log("all have begun");
}

/** Runs `count` copies of `work` at once. */
export async function during<Value>(
  what: keyof typeof ATTACKS,
  { port, count }: { readonly port: number; readonly count: number },
  work: () => Promise<Value>,
): Promise<Value> {
  const words = ["run", "--quiet", "-A", import.meta.filename!, what, `${port}`, `${count}`];
  const attackers = new Running([Deno.execPath(), ...words]);
  try {
    await attackers.says(/have begun/);
    return await work();
  } finally {
    attackers.child.kill("SIGKILL");
    await attackers.exitCode;
  }
}

/** Stays until it is dropped. */
async function hold(
  port: number,
  say: (connection: Deno.Conn) => Promise<void>,
): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const saying = say(connection).catch(() => {});
  await readAll(connection);
  connection.close();
  await saying;
}

async function readAll(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1_024);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // The connection was reset.
  }
}
