/** A thread of its own for what nothing else may delay: it answers one message after the other. */
import { once } from "node:events";
import { parentPort, Worker } from "node:worker_threads";

export class Thread implements AsyncDisposable {
  readonly #worker: Worker;

  /** Runs the module, which calls `answerQuestions`. */
  constructor(module: URL) {
    this.#worker = new Worker(module);
  }

  /** To be asked one question at a time. */
  async ask<Question, Answer>(question: Question): Promise<Answer> {
    const answered = once(this.#worker, "message");
    this.#worker.postMessage(question);
    const [answer] = await answered as [Answer];
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Within the thread. */
export function answerQuestions<Question, Answer>(
  answer: (question: Question) => Answer | Promise<Answer>,
): void {
  parentPort!.on("message", async (question: Question) => {
    parentPort!.postMessage(await answer(question));
  });
}
