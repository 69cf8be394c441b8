/** Tells when a certificate was first served, from a thread of its own that nothing else delays. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export interface Server {
  readonly port: number;
  /** For whom the certificate is asked. */
  readonly name: string;
}

export interface CertificateQuestion extends Server {
  readonly fingerprint: string;
  readonly deadlineMs: number;
}

/** When it was served, by the clock of `clock.ts`; `null` if it was not before the deadline. */
export type FirstServed = number | null;

export class TlsClient implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./tls_client_thread.ts", import.meta.url));

  /** Makes new connections to `server`, about a millisecond apart, until the certificate is that one. */
  async firstServed(
    { port, name }: Server,
    fingerprint: string,
    deadlineMs = 20_000,
  ): Promise<number> {
    const served = once(this.#worker, "message");
    this.#worker.postMessage(
      { port, name, fingerprint, deadlineMs } satisfies CertificateQuestion,
    );
    const [servedMs] = await served as [FirstServed];
    if (servedMs !== null) return servedMs;
    throw new Error(`waited ${deadlineMs} ms in vain for the certificate ${fingerprint}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
