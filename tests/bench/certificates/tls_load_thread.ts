/** The thread behind `tls_load.ts`: each connection has one request. */
import { Http1Connection } from "../../support/clients/http1.ts";
import { connectTls } from "../../support/clients/connection.ts";
import { Load } from "../../support/clients/load.ts";
import { answerQuestions } from "../../support/machine/thread.ts";
import { waitFor } from "../../support/wait.ts";
import type { LoadResult, TlsLoadOptions } from "./tls_load.ts";

let load: Load;

answerQuestions<TlsLoadOptions | "stop", LoadResult | null>(async (message) => {
  if (message !== "stop") return await start(message);
  await load.stop();
  return { handshakes: load.connections, failures: load.failures.map(({ what }) => what) };
});

async function start({ clients, ...address }: TlsLoadOptions): Promise<null> {
  const open = async () => new Http1Connection(await connectTls(address), { isOnlyOne: true });
  load = new Load(Array.from({ length: clients }, () => ({ name: "tls", open })), { pauseMs: 0 });
  await waitFor("the first answers", () => load.answers >= clients);
  return null;
}
