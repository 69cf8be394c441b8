/** A client that asks again and again, with pauses. */
import { nowMs } from "../../support/measuring/clock.ts";
import { pause } from "../../support/wait.ts";
import { Failure } from "../../support/clients/failures.ts";
import type { Standing } from "../run/standing.ts";
import type { Connection, SecureAddress } from "../../support/clients/connection.ts";
import { contentOf, QUICK_PATH, SLOW_PATH } from "./bodies.ts";
import type { Kind } from "./kinds.ts";
import type { KindRecord } from "./record.ts";

export interface Surroundings {
  readonly address: SecureAddress;
  readonly standing: Standing;
  readonly record: KindRecord;
}

/** One request in four is slow, so that some are always in flight. */
const SLOW_SHARE = 0.25;

/** Ends with one last request, so that a cut just before it shows. */
export async function runClient(kind: Kind, surroundings: Surroundings): Promise<void> {
  const { standing } = surroundings;
  const client = new Client(kind, surroundings);
  for (let isOver = false; !isOver;) {
    isOver = standing.isOver;
    await client.ask(isOver);
    if (!isOver) await pause(kind.thinkMs * Math.random());
  }
}

interface Kept {
  readonly connection: Connection;
  readonly untilMs: number;
  /** The oldest content that it may carry. */
  readonly oldest: number;
}

class Client {
  #kept: Kept | null = null;

  constructor(readonly kind: Kind, readonly surroundings: Surroundings) {}

  async ask(isLast: boolean): Promise<void> {
    const { record, standing } = this.surroundings;
    const sinceMs = nowMs();
    const reload = standing.reload;
    try {
      await this.#request();
      record.answered(sinceMs, [reload, standing.reload]);
      if (isLast || nowMs() >= this.#kept!.untilMs) await this.#finish();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      record.failed(error, standing.reload);
      this.#drop();
    }
  }

  /** Repeats it each time HAProxy says that it did not process it. */
  async #request(): Promise<void> {
    const isSlow = Math.random() < SLOW_SHARE;
    for (;;) {
      if (this.#kept?.connection.isOver) this.#drop();
      const { connection, oldest } = this.#kept ??= await this.#open();
      const answer = await connection.request(isSlow ? SLOW_PATH : QUICK_PATH);
      if (answer === null || answer.isLast) this.surroundings.record.announced();
      if (answer === null) continue;
      const content = this.kind.isEcho ? null : contentOf(answer.text, isSlow);
      const { newest } = this.surroundings.standing;
      if (content === null || content >= oldest && content <= newest) return;
      throw new Failure("wrong", `answered content ${content}, not ${oldest} to ${newest}`);
    }
  }

  async #open(): Promise<Kept> {
    const { address, standing, record } = this.surroundings;
    const { oldest } = standing;
    const connection = await this.kind.open(address);
    record.connected();
    const [least, most] = this.kind.keepsMs;
    const untilMs = least === Infinity
      ? Infinity
      : nowMs() + least + (most - least) * Math.random();
    return { connection, untilMs, oldest };
  }

  async #finish(): Promise<void> {
    await this.#kept!.connection.finish();
    this.#kept = null;
  }

  #drop(): void {
    this.#kept?.connection.close();
    this.#kept = null;
  }
}
