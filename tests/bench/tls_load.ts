/** TLS clients that connect again and again, each in a thread of its own, and count what fails. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Server } from "./tls_client.ts";

export interface LoadResult {
  readonly handshakes: number;
  /** Why connections, handshakes or answers failed. */
  readonly failures: readonly string[];
}

export class TlsLoad implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** Starts that many clients, and waits until each has made its first connection. */
  static async start(
    room: AsyncDisposableStack,
    { clients, server }: { readonly clients: number; readonly server: Server },
  ): Promise<TlsLoad> {
    const thread = new URL("./tls_load_thread.ts", import.meta.url);
    const load = room.use(new TlsLoad(Array.from({ length: clients }, () => new Worker(thread))));
    const { port, name } = server;
    await Promise.all(load.#workers.map((worker) => tell(worker, { port, name })));
    return load;
  }

  /** Lets all clients end what they have begun, and gives what they have counted since the start. */
  async stop(): Promise<LoadResult> {
    const results = await Promise.all(this.#workers.map((worker) => tell(worker, "stop")));
    return {
      handshakes: results.reduce((sum, { handshakes }) => sum + handshakes, 0),
      failures: results.flatMap(({ failures }) => failures),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** Both messages are answered by what has been counted: after the first connection, and at the end. */
async function tell(worker: Worker, message: Server | "stop"): Promise<LoadResult> {
  const answer = once(worker, "message");
  worker.postMessage(message);
  return (await answer as [LoadResult])[0];
}
