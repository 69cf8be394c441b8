/** Tells when a new content was first answered, from a thread of its own that nothing else delays. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export interface Question {
  readonly port: number;
  readonly text: string;
  readonly deadlineMs: number;
}

/** When it was answered, by the clock of `clock.ts`; `null` if it was not before the deadline. */
export type FirstAnswer = number | null;

export class Client implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./client_thread.ts", import.meta.url));

  /** Asks `port` on a new connection about every millisecond until the answer is `text`. */
  async firstAnswer(port: number, text: string, deadlineMs = 20_000): Promise<number> {
    const answer = once(this.#worker, "message");
    this.#worker.postMessage({ port, text, deadlineMs } satisfies Question);
    const [answeredMs] = await answer as [FirstAnswer];
    if (answeredMs !== null) return answeredMs;
    throw new Error(`waited ${deadlineMs} ms in vain for the answer "${text}"`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
