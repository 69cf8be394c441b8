/** TLS clients that connect again and again, in a thread of their own. */
import { Thread } from "../../support/machine/thread.ts";

export interface TlsLoadOptions {
  readonly clients: number;
  readonly port: number;
  readonly site: string;
  /** The PEM of the authority of the certificates. */
  readonly authority: string;
}

export interface LoadResult {
  readonly handshakes: number;
  /** Why connections, handshakes or answers failed. */
  readonly failures: readonly string[];
}

export class TlsLoad extends Thread {
  private constructor() {
    super(new URL("./tls_load_thread.ts", import.meta.url));
  }

  /** Starts the clients, and waits for their first answers. */
  static async start(room: AsyncDisposableStack, options: TlsLoadOptions): Promise<TlsLoad> {
    const load = room.use(new TlsLoad());
    await load.ask<TlsLoadOptions, null>(options);
    return load;
  }

  /** Lets all clients end what they have begun. */
  async stop(): Promise<LoadResult> {
    return await this.ask<"stop", LoadResult>("stop");
  }
}
