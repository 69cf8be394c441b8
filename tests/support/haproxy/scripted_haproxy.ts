/** Plays HAProxy's side of the Runtime API. */
import type { Ask } from "../../../lib/haproxy/runtime/client.ts";

/** `null`: no answer. */
export type Answer = string | null;

export interface Script {
  readonly ask: Ask;
  /** What was sent, in order. */
  readonly commands: readonly string[];
}

/** Gives one answer after another, and throws if asked once too often. */
export function script(...answers: readonly Answer[]): Script {
  const commands: string[] = [];
  const ask: Ask = (command) => {
    commands.push(command);
    const answer = answers[commands.length - 1];
    if (answer === undefined) throw new Error(`nothing more should be asked, but: ${command}`);
    return Promise.resolve(answer);
  };
  return { ask, commands };
}

/** Answers on a unix socket, a connection for each command. */
export class ScriptedHaproxy implements AsyncDisposable {
  readonly commands: string[] = [];
  readonly #listener: Deno.UnixListener;
  readonly #ended: Promise<void>;

  constructor(path: string, answer: (command: string) => string) {
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#ended = this.#serve(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#ended;
  }

  async #serve(answer: (command: string) => string): Promise<void> {
    for await (const connection of this.#listener) {
      const command = await readCommand(connection);
      this.commands.push(command);
      // The client may be gone.
      await connection.write(new TextEncoder().encode(answer(command))).catch(() => {});
      connection.close();
    }
  }
}

/** A command is a line; after `<<` at its end, all lines up to an empty one. */
async function readCommand(connection: Deno.UnixConn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (;;) {
    const end = /^[^\n]*<<\n/.test(text) ? "\n\n" : "\n";
    if (text.endsWith(end)) return text.slice(0, -1);
    const count = await connection.read(buffer);
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}
