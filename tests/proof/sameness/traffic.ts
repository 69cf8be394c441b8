/** Requests to all backends at once, none of which may fail. */
import { pause } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";

/** Leaves the machine to what is proved. */
const PAUSE_MS = 3;

/** Answers every request; its ports are those that servers have. */
export class Upstreams implements AsyncDisposable {
  readonly #servers = [1, 2, 3].map(() =>
    Deno.serve({ hostname: "::", port: 0, onListen: () => {} }, () => new Response("here"))
  );
  readonly ports = this.#servers.map(({ addr }) => addr.port);

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }
}

export class Traffic implements AsyncDisposable {
  readonly #port = freePort();
  readonly #backends: readonly string[];
  readonly #stop = new AbortController();
  #work: Promise<unknown> = Promise.resolve();
  requests = 0;
  readonly failures: string[] = [];

  constructor(backends: readonly string[]) {
    this.#backends = backends;
  }

  /** What leads the requests to the backends they name. */
  get frontend(): string {
    return `defaults
    mode http
    timeout client 10s
frontend traffic
    bind 127.0.0.1:${this.#port}
    use_backend %[req.hdr(x-backend)]
`;
  }

  /** Until `pause`. */
  begin(): void {
    const stop = this.#stop.signal;
    let isOn = true;
    const work = [0, 1].map(async (first) => {
      for (let at = first; isOn && !stop.aborted; at++) {
        await this.#request(this.#backends[at % this.#backends.length]!);
        await pause(PAUSE_MS);
      }
    });
    this.#work = Promise.all(work);
    this.pause = async () => {
      isOn = false;
      await this.#work;
    };
  }

  pause: () => Promise<void> = () => Promise.resolve();

  async #request(backend: string): Promise<void> {
    this.requests++;
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/`, {
        headers: { "x-backend": backend },
      });
      const text = await answer.text();
      if (text !== "here") this.failures.push(`${backend}: ${answer.status}`);
    } catch (error) {
      this.failures.push(`${backend}: ${error}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }
}
