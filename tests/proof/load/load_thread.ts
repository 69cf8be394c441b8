/** The thread behind `load.ts`: all clients of one kind. */
import { parentPort } from "node:worker_threads";
import { Standing } from "../standing.ts";
import { runClient } from "./client.ts";
import type { Assignment } from "./load.ts";
import { KINDS } from "./kinds.ts";
import { KindRecord } from "./record.ts";

parentPort?.on("message", async ({ name, address, memory }: Assignment) => {
  const kind = KINDS[name];
  const record = new KindRecord();
  const surroundings = { address, standing: new Standing(memory), record };
  await Promise.all(Array.from({ length: kind.clients }, () => runClient(kind, surroundings)));
  parentPort?.postMessage(record.figures);
});
