/** The thread behind `tls_load.ts`: makes connections with a request each, one after the other. */
import { parentPort } from "node:worker_threads";
import { TlsConnection } from "../support/tls_client.ts";
import type { Server } from "./tls_client.ts";
import type { LoadResult } from "./tls_load.ts";

let isStopped = false;

parentPort?.on("message", (message: Server | "stop") => {
  if (message === "stop") isStopped = true;
  else connectUntilStopped(message);
});

async function connectUntilStopped(server: Server): Promise<void> {
  const failures: string[] = [];
  for (let handshakes = 1;; handshakes++) {
    const failure = await connectOnce(server).catch(String);
    if (failure !== null) failures.push(failure);
    if (handshakes === 1 || isStopped) tell({ handshakes, failures });
    if (isStopped) return;
  }
}

const tell = (result: LoadResult) => parentPort?.postMessage(result);

/** `null` if all went well. */
async function connectOnce({ port, name }: Server): Promise<string | null> {
  await using connection = await TlsConnection.open(port, { servername: name });
  return await connection.request() === null ? "no answer came" : null;
}
