/** A transaction on a certificate, CA file or CRL file: set, then committed or aborted. HAProxy has one of each kind. */
import { type Ask, escaped, quoted } from "./client.ts";

export type TlsKind = "cert" | "ca-file" | "crl-file";

/** With the default `tune.bufsize` of 16 kB HAProxy drops a longer command. */
export const MOST_PAYLOAD = 15_500;

/** Each step gives `null`, or a clause about why it failed; after a failure nothing is left open. */
export class TlsTransaction {
  readonly #ask: Ask;
  readonly #kind: TlsKind;
  /** As the Runtime API names the file. */
  readonly #name: string;

  constructor(ask: Ask, kind: TlsKind, name: string) {
    this.#ask = ask;
    this.#kind = kind;
    this.#name = name;
  }

  /** Opens the transaction with that content. */
  async set(payload: string): Promise<string | null> {
    if (payload.length > MOST_PAYLOAD) return "it is longer than HAProxy takes at once";
    const answer = await this.#give("set", this.#name, payload);
    // HAProxy 2.6 takes ".crt" for the kind of the payload, and looks for the name without it.
    const isStripped = this.#kind === "cert" && this.#name.endsWith(".crt") &&
      answer?.includes("not referenced by the configuration");
    return await this.#accept(
      isStripped ? await this.#give("set", `${this.#name}.crt`, payload) : answer,
    );
  }

  /** Adds more to a CA file that was set; HAProxy has that since 2.8. */
  async add(payload: string): Promise<string | null> {
    return await this.#accept(await this.#give("add", this.#name, payload));
  }

  async commit(): Promise<string | null> {
    const answer = await this.#ask(`commit ssl ${this.#kind} ${escaped(this.#name)}`);
    return answer?.includes("Success!") ? null : await this.abort(answer);
  }

  /** Leaves nothing open, and tells what `answer` says. */
  async abort(answer: string | null = null): Promise<string> {
    const [, verb, opened = this.#name] =
      /^transaction (created|updated) for certificate (.+)!$/im.exec(answer ?? "") ?? [];
    await this.#ask(`abort ssl ${this.#kind} ${escaped(opened)}`);
    return verb?.toLowerCase() === "updated"
      ? `somebody else has changed "${opened}" without committing it`
      : quoted(answer);
  }

  /** What HAProxy says of the content in use. */
  show(): Promise<string | null> {
    return this.#ask(`show ssl ${this.#kind} ${escaped(this.#name)}`);
  }

  /** What HAProxy says of the content that is set and not committed yet. */
  showPending(): Promise<string | null> {
    return this.#ask(`show ssl ${this.#kind} *${escaped(this.#name)}`);
  }

  #give(verb: "set" | "add", name: string, payload: string): Promise<string | null> {
    return this.#ask(`${verb} ssl ${this.#kind} ${escaped(name)} <<\n${payload}\n`);
  }

  /**
   * HAProxy 2.6 puts a certificate into a transaction that somebody else has open for another one, and tells so only
   * by that one's name and by "updated".
   */
  async #accept(answer: string | null): Promise<string | null> {
    const [, verb, what] = /^transaction (created|updated) for (.+)!$/im.exec(answer ?? "") ?? [];
    const isOurs = what?.endsWith(` ${this.#name}`) === true &&
      (verb?.toLowerCase() === "created" || /^CA /.test(what));
    return isOurs ? null : await this.abort(answer);
  }
}
