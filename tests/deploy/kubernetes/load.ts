/** Requests to what a cluster serves, by new and by kept connections, with TLS and without. */
import { connectPlain, connectTls } from "../../support/clients/connection.ts";
import { Http1Connection } from "../../support/clients/http1.ts";
import { type Client, Load } from "../../support/clients/load.ts";

export interface Served {
  readonly http: number;
  readonly https: number;
  /** The PEM of the certificate that is to be served for example.test. */
  readonly certificate: string;
}

/** Two clients of each of the four kinds. */
export const loadOn = (served: Served, clients = 2): Load =>
  new Load(Array.from({ length: clients }, () => kindsOf(served)).flat());

/** Whether a client of each kind gets its answer. */
export async function isServed(served: Served): Promise<boolean> {
  const answers = kindsOf(served).map(async ({ open }) => {
    const connection = await open();
    try {
      return await connection.request();
    } finally {
      connection.close();
    }
  });
  return (await Promise.allSettled(answers)).every(({ status }) => status === "fulfilled");
}

const kindsOf = ({ http, https, certificate }: Served): readonly Client[] =>
  [true, false].flatMap((isOnlyOne): Client[] => {
    const connection = `${isOnlyOne ? "new" : "kept"} connection`;
    const connect = {
      http: () => connectPlain({ port: http }),
      https: () => connectTls({ port: https, authority: certificate, site: "example.test" }),
    };
    return Object.entries(connect).map(([protocol, open]) => ({
      name: `${protocol}, ${connection}`,
      open: async () => new Http1Connection(await open(), { isOnlyOne, timeoutMs: TIMEOUT_MS }),
    }));
  });

const TIMEOUT_MS = 10_000;
