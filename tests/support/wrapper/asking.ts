/** Clients that ask for a workspace's page all the time, each request on a new connection. */
import type { Workspace } from "./workspace.ts";

const CLIENTS = 4;

export class Asking {
  readonly #answers = new Set<string | null>();
  readonly #clients: readonly Promise<void>[];
  #isOver = false;

  constructor(workspace: Workspace) {
    this.#clients = Array.from({ length: CLIENTS }, () => this.#ask(workspace));
  }

  /** Returns all different answers, sorted; `null` is that of a request that was lost. */
  async stop(): Promise<readonly (string | null)[]> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    return [...this.#answers].sort();
  }

  async #ask(workspace: Workspace): Promise<void> {
    while (!this.#isOver) this.#answers.add(await workspace.get());
  }
}
