/** Gives every TCP client back what it sends, so that a connection through HAProxy may live as long as a test wants. */

export class EchoServer {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running = this.#accept();

  get port(): number {
    return this.#listener.addr.port;
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    await this.#running;
  }

  async #accept(): Promise<void> {
    const all: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      all.push(this.#echo(connection));
    }
    await Promise.all(all);
  }

  async #echo(connection: Deno.TcpConn): Promise<void> {
    const chunk = new Uint8Array(4_096);
    try {
      for (let count = await connection.read(chunk); count !== null;) {
        await connection.write(chunk.subarray(0, count));
        count = await connection.read(chunk);
      }
    } catch {
      // HAProxy was killed, or the test is over.
    }
    if (this.#connections.delete(connection)) connection.close();
  }
}
