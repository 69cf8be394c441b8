/** A running command whose output is the wrapper's log, wherever the wrapper runs. */
import assert from "node:assert/strict";
import { waitFor } from "../wait.ts";

export interface RunningOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Some drain for a minute first. */
const END_LIMIT_MS = 180_000;

export class Running {
  readonly child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #stdoutGate: Promise<void> = Promise.resolve();
  output = "";

  constructor([command, ...args]: readonly [string, ...string[]], options: RunningOptions = {}) {
    this.child = new Deno.Command(command, {
      ...options,
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      this.#read(this.child.stdout, () => this.#stdoutGate),
      this.#read(this.child.stderr, () => Promise.resolve()),
    ]);
  }

  /** The exit status, once all output has been read. */
  get exitCode(): Promise<number> {
    return this.#end();
  }

  async #end(): Promise<number> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const fail = () =>
      reject(new Error(`it has not ended after ${END_LIMIT_MS} ms\n${this.output}`));
    const timer = setTimeout(fail, END_LIMIT_MS);
    try {
      const [{ code }] = await Promise.race([
        Promise.all([this.child.status, this.#reading]),
        late,
      ]);
      return code;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The wrapper's own log lines so far, without the warning about drains that HAProxy 2.6 gets at its start. */
  get lines(): string[] {
    return this.output.split("\n").filter((line) =>
      /^(?:\d{4}-.*Z (?:debug|info|warning|error) \[|\{"time")/.test(line) &&
      !line.includes("slows the serving process")
    );
  }

  /** The last generation that was logged to serve or to be rejected. */
  get lastGeneration(): number {
    const numbers = this.lines.join("\n").matchAll(/generation (\d+) (?:serves|rejected)/g);
    return Math.max(0, ...[...numbers].map(([, number]) => Number(number)));
  }

  /** The time from the first line that matches `from` to the first that matches `to`, by the log's own clock. */
  async msBetween(from: RegExp, to: RegExp): Promise<number> {
    for (const pattern of [from, to]) await this.says(pattern);
    const [fromMs, toMs] = [from, to].map((pattern) => {
      const line = this.lines.find((line) => pattern.test(line));
      return Date.parse(/\d{4}-[^Z]*Z/.exec(line!)![0]);
    });
    return toMs! - fromMs!;
  }

  /** Waits as `waitFor` does, and fails with the output. */
  async until<Value>(what: string, condition: () => Value | Promise<Value>) {
    return await waitFor(what, condition, { explain: () => this.output });
  }

  /** Waits until the output matches `pattern`; from the character `from` on, if given. */
  async says(pattern: RegExp | string, from = 0): Promise<RegExpExecArray> {
    const regExp = new RegExp(pattern);
    const match = () => regExp.exec(this.output.slice(from));
    return await this.until(`output that matches ${regExp}`, match);
  }

  /** Waits until generation `number` was logged, and asserts that none came after it. */
  async stopsAt(number: number): Promise<void> {
    await this.until(`generation ${number}`, () => this.lastGeneration >= number);
    assert.equal(this.lastGeneration, number, this.output);
  }

  /** Stops reading stdout, until `readStdout` is called. */
  holdStdout(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stdoutGate = promise;
    this.readStdout = resolve;
  }

  readStdout: () => void = () => {};

  async #read(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    gate: () => Promise<void>,
  ): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.output += text;
      await gate();
    }
  }
}
