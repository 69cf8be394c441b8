/** Tells when something was first served, from a thread that nothing else delays. */
import { Thread } from "../machine/thread.ts";

/** A new connection is made about every millisecond until it gets what is wanted. */
export interface Question {
  readonly port: number;
  /** The text of an answer, or with `site` the fingerprint of the certificate for it. */
  readonly wanted: string;
  readonly site?: string;
  readonly deadlineMs: number;
}

/** When it was served, by the clock of `clock.ts`; `null` if it was not before the deadline. */
export type FirstServed = number | null;

export class Client extends Thread {
  constructor() {
    super(new URL("./client_thread.ts", import.meta.url));
  }

  async firstServed(question: Omit<Question, "deadlineMs">, deadlineMs = 20_000): Promise<number> {
    const servedMs = await this.ask<Question, FirstServed>({ ...question, deadlineMs });
    if (servedMs !== null) return servedMs;
    throw new Error(`waited ${deadlineMs} ms in vain for "${question.wanted}"`);
  }
}
