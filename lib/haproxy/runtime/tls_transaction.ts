/** A transaction on a certificate, CA file or CRL file: set, then committed or aborted. HAProxy has one per kind. */
import { type Ask, escaped, quoted } from "./client.ts";

export type TlsKind = "cert" | "ca-file" | "crl-file";

/** HAProxy drops a longer command with the default `tune.bufsize` of 16 kB. */
export const MOST_PAYLOAD = 15_500;

const TOO_LONG = "it is longer than HAProxy accepts in one command";

/** Each step returns `null`, or why it failed as a clause. A failure leaves no transaction open. */
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

  /** Opens the transaction with `payload` as its content. */
  async set(payload: string): Promise<string | null> {
    if (payload.length > MOST_PAYLOAD) return TOO_LONG;
    const answer = await this.#send("set", this.#name, payload);
    // HAProxy 2.6 takes ".crt" for the kind of payload, and looks up the name without it.
    const isStripped = this.#kind === "cert" && this.#name.endsWith(".crt") &&
      answer?.includes("not referenced by the configuration");
    return await this.#accept(
      isStripped ? await this.#send("set", `${this.#name}.crt`, payload) : answer,
    );
  }

  /** Adds to a CA file that was set. Needs HAProxy 2.8. */
  async add(payload: string): Promise<string | null> {
    return await this.#accept(await this.#send("add", this.#name, payload));
  }

  /** Adds to a certificate that was set what a file beside it holds. */
  async setBeside(extension: ".issuer" | ".ocsp", payload: string): Promise<string | null> {
    if (payload.length > MOST_PAYLOAD) {
      await this.abort();
      return TOO_LONG;
    }
    const answer = await this.#send("set", `${this.#name}${extension}`, payload);
    return answer?.includes(`Transaction updated for certificate ${this.#name}!`)
      ? null
      : await this.abort(answer === null ? null : answer.replace(/^Transaction updated.*$/m, ""));
  }

  /** Whether the process can say which OCSP responses it has, from HAProxy 2.8 on. */
  async showsOcsp(): Promise<boolean> {
    const answer = await this.#ask("help show ssl ocsp-response");
    return answer?.includes("base64") ?? false;
  }

  /** The OCSP response of the certificate that `shown` shows, in base64. */
  async showOcsp(shown: string): Promise<string | null> {
    const key = /^OCSP Response Key: (\w+)$/m.exec(shown)?.[1];
    return key === undefined ? null : await this.#ask(`show ssl ocsp-response base64 ${key}`);
  }

  async commit(): Promise<string | null> {
    const answer = await this.#ask(`commit ssl ${this.#kind} ${escaped(this.#name)}`);
    return answer?.includes("Success!") ? null : await this.abort(answer);
  }

  /** Aborts the transaction, and quotes `answer` as the reason. */
  async abort(answer: string | null = null): Promise<string> {
    const [, verb, opened = this.#name] =
      /^transaction (created|updated) for certificate (.+)!$/im.exec(answer ?? "") ?? [];
    await this.#ask(`abort ssl ${this.#kind} ${escaped(opened)}`);
    return verb?.toLowerCase() === "updated"
      ? `somebody else has changed "${opened}" without committing it`
      : quoted(answer);
  }

  /** What HAProxy shows about the content in use. */
  show(): Promise<string | null> {
    return this.#ask(`show ssl ${this.#kind} ${escaped(this.#name)}`);
  }

  /** What HAProxy shows about content that is set but not committed yet. */
  showPending(): Promise<string | null> {
    return this.#ask(`show ssl ${this.#kind} *${escaped(this.#name)}`);
  }

  #send(verb: "set" | "add", name: string, payload: string): Promise<string | null> {
    return this.#ask(`${verb} ssl ${this.#kind} ${escaped(name)} <<\n${payload}\n`);
  }

  /**
   * HAProxy 2.6 puts a certificate into a transaction that somebody else has open for another one. Its answer shows
   * that only by the other's name and by "updated".
   */
  async #accept(answer: string | null): Promise<string | null> {
    const [, verb, subject] = /^transaction (created|updated) for (.+)!$/im.exec(answer ?? "") ??
      [];
    const isOurs = subject?.endsWith(` ${this.#name}`) === true &&
      (verb?.toLowerCase() === "created" || /^CA /.test(subject));
    return isOurs ? null : await this.abort(answer);
  }
}
