/** Sends every TCP client back what it sends, so that a connection through HAProxy lives as long as a test wants. */

export class EchoServer {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #over = new AbortController();
  readonly #running = this.#accept();

  get port(): number {
    return this.#listener.addr.port;
  }

  async close(): Promise<void> {
    this.#listener.close();
    this.#over.abort();
    await this.#running;
  }

  async #accept(): Promise<void> {
    const all: Promise<void>[] = [];
    for await (const { readable, writable } of this.#listener) {
      // A client that resets its connection, as HAProxy does when it is killed, is none of our business.
      all.push(readable.pipeTo(writable, { signal: this.#over.signal }).catch(() => {}));
    }
    await Promise.all(all);
  }
}
