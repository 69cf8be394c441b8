/** A thread for what nothing else may delay. It answers one question after another. */
import { once } from "node:events";
import { parentPort, Worker } from "node:worker_threads";

export class Thread implements AsyncDisposable {
  readonly #worker: Worker;

  /** Runs the module, which calls `answerQuestions`. */
  constructor(module: URL) {
    this.#worker = new Worker(module);
  }

  /** Ask one question at a time. */
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

/** To be called within the thread. */
export function answerQuestions<Question, Answer>(
  answer: (question: Question) => Answer | Promise<Answer>,
): void {
  parentPort!.on("message", async (question: Question) => {
    parentPort!.postMessage(await answer(question));
  });
}
