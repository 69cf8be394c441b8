/** Runs all clients, each kind in a thread of its own, so that none delays another. */
import { Thread } from "../../support/machine/thread.ts";
import type { Standing } from "../run/standing.ts";
import type { SecureAddress } from "../../support/clients/connection.ts";
import type { KindName, PerKind } from "./kinds.ts";
import type { KindFigures } from "./record.ts";

export interface Assignment {
  readonly name: KindName;
  readonly address: SecureAddress;
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
  readonly #threads: readonly Thread[];
  readonly #figures: Promise<[KindName, KindFigures][]>;

  constructor({ ports, authority, standing }: LoadOptions) {
    this.#standing = standing;
    const assigned = Object.entries(ports) as [KindName, number][];
    this.#threads = assigned.map(() => new Thread(new URL("./load_thread.ts", import.meta.url)));
    const { memory } = standing;
    this.#figures = Promise.all(assigned.map(async ([name, port], index) => {
      const assignment: Assignment = { name, address: { port, authority }, memory };
      return [name, await this.#threads[index]!.ask<Assignment, KindFigures>(assignment)] as const;
    })) as Promise<[KindName, KindFigures][]>;
    // `stop` reports a failed thread; it is no unhandled rejection.
    this.#figures.catch(() => {});
  }

  /** Every client asks once more. */
  async stop(): Promise<LoadFigures> {
    this.#standing.end();
    return Object.fromEntries(await this.#figures) as unknown as LoadFigures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread[Symbol.asyncDispose]()));
  }
}
