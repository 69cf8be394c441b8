/** The thread behind `tls_client.ts`: connects again and again until the certificate is the wanted one. */
import { parentPort } from "node:worker_threads";
import { servedTo } from "../support/tls_client.ts";
import { nowMs } from "./clock.ts";
import type { CertificateQuestion, FirstServed } from "./tls_client.ts";

parentPort?.on("message", async (question: CertificateQuestion) => {
  parentPort?.postMessage(await firstServed(question));
});

async function firstServed(
  { port, name, fingerprint, deadlineMs }: CertificateQuestion,
): Promise<FirstServed> {
  const endMs = nowMs() + deadlineMs;
  while (nowMs() < endMs) {
    if (await servedTo(port, { servername: name }) === fingerprint) return nowMs();
    // As in `client_thread.ts`.
    Atomics.wait(NEVER_NOTIFIED, 0, 0, 1);
  }
  return null;
}

const NEVER_NOTIFIED = new Int32Array(new SharedArrayBuffer(4));
