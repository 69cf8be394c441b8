/** A proxy between the wrapper and the private stats socket of its next generation, which changes the answers. */
import { join } from "@std/path";
import { ask, isListening } from "../../../lib/haproxy/runtime/client.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import type { World } from "./world.ts";
import { isThere } from "../../support/machine/files.ts";

/** One command of the wrapper, or several in a line. */
export interface Exchange {
  /** From 1. */
  readonly number: number;
  readonly words: string;
  /** HAProxy's answer. */
  readonly answer: string;
  /** Waits until HAProxy accepts no more connections on that socket, because it is gone or drains. */
  readonly untilItStops: () => Promise<unknown>;
}

/** Turns HAProxy's answer into the wrapper's; `null`: no answer, and the connection stays open. */
export type Meddle = (exchange: Exchange) => Promise<string | null> | string | null;

/**
 * The next HAProxy listens at another path, and the proxy in its place. No process may be on standby, as that
 * would already have read the path.
 */
export class StatsProxy {
  readonly #world: World;
  readonly #meddle: Meddle;
  readonly #listener: Deno.UnixListener;
  readonly #generation: number;
  readonly #path: string;
  readonly #open = new Set<Deno.UnixConn>();
  readonly #running: Promise<void>;
  #exchanges = 0;

  private constructor(world: World, meddle: Meddle) {
    this.#world = world;
    this.#meddle = meddle;
    this.#generation = world.wrapper.lastGeneration + 1;
    this.#path = join(world.privateFolder, `${this.#generation}.sock`);
    this.#listener = Deno.listen({ transport: "unix", path: this.#path });
    this.#running = this.#accept();
  }

  static async begin(world: World, meddle: Meddle): Promise<StatsProxy> {
    await world.standIn(STAND_INS.listens_elsewhere);
    return new StatsProxy(world, meddle);
  }

  /** Puts the serving process's own socket in the proxy's place. */
  async end(): Promise<void> {
    await this.#world.standIn(STAND_INS.is_haproxy);
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    await this.#running;
    // Deno removes a listener's path some time after it was closed.
    await waitFor("the proxy's socket to go", () => !isThere(this.#path));
    if (this.#world.servingGeneration !== this.#generation) {
      return await Deno.remove(realPath(this.#path)).catch(() => {});
    }
    await Deno.rename(realPath(this.#path), this.#path);
  }

  async #accept(): Promise<void> {
    const all: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      all.push(this.#exchange(connection));
    }
    await Promise.all(all);
  }

  async #exchange(connection: Deno.UnixConn): Promise<void> {
    const path = realPath(this.#path);
    const untilItStops = () => waitFor("HAProxy to stop", async () => !await isListening(path));
    try {
      const words = await readCommand(connection);
      const answer = await ask(path, words, AbortSignal.timeout(5_000));
      if (answer !== null) {
        const number = ++this.#exchanges;
        const given = await this.#meddle({ number, words, answer, untilItStops });
        if (given === null) return;
        await connection.write(new TextEncoder().encode(given));
      }
    } catch {
      // The client is gone.
    }
    if (this.#open.delete(connection)) connection.close();
  }
}

const realPath = (path: string) => path.replace(/\.sock$/, ".real");

async function readCommand(connection: Deno.UnixConn): Promise<string> {
  const chunk = new Uint8Array(16_384);
  const count = await connection.read(chunk) ?? 0;
  return new TextDecoder().decode(chunk.subarray(0, count)).trimEnd();
}

/** The process that has answered. */
export const pidOf = ({ answer }: Exchange) => Number(/^Pid: (\d+)$/m.exec(answer)?.[1]);
