/** Keeps all clients asking, each kind in a thread of its own, so that none delays another. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Standing } from "../standing.ts";
import type { Address } from "./connection.ts";
import type { KindName, PerKind } from "./kinds.ts";
import type { KindFigures } from "./record.ts";

export interface Assignment {
  readonly name: KindName;
  readonly address: Address;
  readonly memory: SharedArrayBuffer;
}

export type LoadFigures = PerKind<KindFigures>;

export interface LoadOptions {
  readonly ports: PerKind<number>;
  /** The PEM of the authority whose certificate is to be served. */
  readonly authority: string;
  readonly standing: Standing;
}

export class Load implements AsyncDisposable {
  readonly #standing: Standing;
  readonly #workers: Worker[];
  readonly #figures: Promise<[KindName, KindFigures][]>;

  constructor({ ports, authority, standing }: LoadOptions) {
    this.#standing = standing;
    const assigned = Object.entries(ports) as [KindName, number][];
    this.#workers = assigned.map(() => new Worker(new URL("./load_thread.ts", import.meta.url)));
    this.#figures = Promise.all(assigned.map(async ([name, port], index) => {
      const worker = this.#workers[index]!;
      const answer = once(worker, "message");
      const address = { port, authority };
      const { memory } = standing;
      worker.postMessage({ name, address, memory } satisfies Assignment);
      const [figures] = await answer as [KindFigures];
      return [name, figures] as [KindName, KindFigures];
    }));
    // A thread that fails is told by `stop`, not as an unhandled rejection.
    this.#figures.catch(() => {});
  }

  /** Every client asks once more. */
  async stop(): Promise<LoadFigures> {
    this.#standing.end();
    return Object.fromEntries(await this.#figures) as unknown as LoadFigures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
