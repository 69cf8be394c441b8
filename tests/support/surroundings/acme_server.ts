/**
 * A real ACME server on loopback: Debian's `pebble` and its DNS server, behind a front that counts and can refuse or
 * hold what is asked. HAProxy 3.2 sends chunked requests, which pebble refuses; the front passes them on whole.
 */
import { join } from "@std/path";
import { request } from "node:https";
import { Authority } from "../certificates.ts";
import { freePort } from "../machine/free_port.ts";
import { haproxyTaking, installed, type Need } from "../needs.ts";
import { waitFor } from "../wait.ts";

/** A HAProxy that obtains certificates itself. */
export const KNOWS_ACME: Need = haproxyTaking(
  "global\n    expose-experimental-directives\n    acme.scheduler auto",
);

/** What a test of certificates that HAProxy obtains itself needs. */
export const OBTAINS: readonly Need[] = [
  KNOWS_ACME,
  { ...installed("pebble"), isOptional: true },
  { ...installed("pebble-challtestsrv"), isOptional: true },
];

/** Whether HAProxy starts without the certificate that it is to obtain, as 3.4 does and 3.2 does not. */
export function startsWithout(): boolean {
  const folder = Deno.makeTempDirSync({ prefix: "hrw-test-" });
  const acme = `acme test\n    directory https://a.test\n    account-key ${folder}/account.key`;
  const store = `crt-store\n    load crt ${folder}/site.pem acme test domains a.test`;
  try {
    const global = "global\n    expose-experimental-directives";
    return haproxyTaking(`${global}\n${acme}\n${store}`).missing === null;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

export interface AcmeOptions {
  /** Where challenges are answered. */
  readonly httpPort: number;
  /** How many certificates stand between its own and its root. */
  readonly chainLength?: number;
}

/** How long its certificates are valid. */
const VALID_SECONDS = 3_600;

/** What HAProxy asks for, by the last word of pebble's address. */
type Step = "dir" | "order-plz" | "finalize-order";

export class AcmeServer implements AsyncDisposable {
  readonly #port = freePort();
  readonly #children: Deno.ChildProcess[] = [];
  readonly #gates = new Map<Step, PromiseWithResolvers<void>>();
  #front: Deno.HttpServer | null = null;
  /** How many orders it was asked for, and how many certificates. */
  orders = 0;
  finalized = 0;
  /** Whether it refuses all orders, as an authority does whose limit has been reached. */
  refuses = false;

  /** The address for a configuration. */
  get directory(): string {
    return `https://127.0.0.1:${this.#port}/dir`;
  }

  /** Starts it, with its files in `folder`. */
  static async start(folder: string, options: AcmeOptions): Promise<AcmeServer> {
    const server = new AcmeServer();
    const pebblePort = freePort();
    server.#startChildren(folder, pebblePort, options);
    const { certificate, key } = new Authority(join(folder, "acme-ca")).issue({
      name: "127.0.0.1",
    });
    server.#front = Deno.serve({
      hostname: "127.0.0.1",
      port: server.#port,
      cert: certificate,
      key,
      onListen: () => {},
      // Pebble has ended, and HAProxy still asks.
      onError: () => new Response(null, { status: 502 }),
    }, (request) => server.#answer(request, pebblePort));
    await waitFor(
      "pebble to answer",
      () =>
        pass(pebblePort, { method: "GET", path: "/dir", headers: {}, body: null })
          .then(() => true, () => false),
    );
    return server;
  }

  /** Answers nothing of this kind until what it returns is called. */
  hold(step: Step): () => void {
    const gate = Promise.withResolvers<void>();
    this.#gates.set(step, gate);
    return gate.resolve;
  }

  /** Listens no more. */
  async leave(): Promise<void> {
    const front = this.#front;
    this.#front = null;
    this.#gates.forEach(({ resolve }) => resolve());
    await front?.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map(({ status }) => status));
    await this.leave();
  }

  #startChildren(
    folder: string,
    port: number,
    { httpPort, chainLength = 1 }: AcmeOptions,
  ) {
    const { certificate, key } = new Authority(join(folder, "pebble-ca")).issue();
    const file = (name: string, text: string) => {
      Deno.writeTextFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const configuration = file(
      "pebble.json",
      JSON.stringify({
        pebble: {
          listenAddress: `127.0.0.1:${port}`,
          managementListenAddress: `127.0.0.1:${freePort()}`,
          certificate: file("pebble.pem", certificate),
          privateKey: file("pebble.key", key),
          httpPort,
          tlsPort: freePort(),
          certificateValidityPeriod: VALID_SECONDS,
        },
      }),
    );
    const dns = `127.0.0.1:${freePort()}`;
    this.#run("pebble-challtestsrv", [
      ...["-defaultIPv6", "", "-dns01", dns, "-http01", "", "-https01", "", "-tlsalpn01", ""],
      ...["-management", `127.0.0.1:${freePort()}`],
    ]);
    this.#run("pebble", ["-config", configuration, "-dnsserver", dns], chainLength);
  }

  #run(command: string, args: readonly string[], chainLength = 1): void {
    this.#children.push(
      new Deno.Command(command, {
        args: [...args],
        env: {
          PEBBLE_VA_NOSLEEP: "1",
          PEBBLE_WFE_NONCEREJECT: "0",
          PEBBLE_CHAIN_LENGTH: String(chainLength),
        },
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
  }

  async #answer(request: Request, port: number): Promise<Response> {
    const { pathname, host } = new URL(request.url);
    const body = request.method === "POST" ? new Uint8Array(await request.arrayBuffer()) : null;
    const step = pathname.split("/")[1] as Step;
    if (step === "order-plz") this.orders++;
    if (step === "finalize-order") this.finalized++;
    await this.#gates.get(step)?.promise;
    if (step === "order-plz" && this.refuses) return refusal();
    const headers: Record<string, string> = { ...Object.fromEntries(request.headers), host };
    delete headers["transfer-encoding"];
    return await pass(port, { method: request.method, path: pathname, headers, body });
  }
}

/** As Let's Encrypt answers beyond its limits. */
const refusal = () =>
  new Response(
    JSON.stringify({
      type: "urn:ietf:params:acme:error:rateLimited",
      detail: "too many certificates already issued",
      status: 429,
    }),
    { status: 429, headers: { "content-type": "application/problem+json" } },
  );

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | null;
}

/** Node's client, because it keeps the `Host` that pebble's addresses and signatures are made of. */
function pass(port: number, { method, path, headers, body }: Asked): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const length: Record<string, string> = body === null
    ? {}
    : { "content-length": String(body.length) };
  const asked = request({
    hostname: "127.0.0.1",
    port,
    method,
    path,
    rejectUnauthorized: false,
    agent: false,
    headers: { ...headers, ...length },
  }, (answer) => {
    const chunks: Uint8Array[] = [];
    answer.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    answer.on("error", reject);
    answer.on("end", () => {
      const kept = Object.entries(answer.headers).filter(([name]) => name !== "content-length");
      const init = { status: answer.statusCode!, headers: kept as [string, string][] };
      const hasBody = method !== "HEAD" && chunks.length > 0;
      resolve(new Response(hasBody ? new Blob(chunks as BlobPart[]) : null, init));
    });
  });
  asked.on("error", reject);
  asked.end(body ?? undefined);
  return promise;
}
