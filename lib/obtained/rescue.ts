/**
 * Saves what a process has obtained that a killed wrapper left behind. What the process loaded is unknown, so of it and
 * the file the one that expires later counts as newer.
 */
import type { FileReference } from "../config/file_references.ts";
import { createAsk, type StatsSocket } from "../haproxy/runtime/client.ts";
import { dumpCertificate, showRenewals } from "../haproxy/runtime/renewals.ts";
import type { Log } from "../system/log.ts";
import * as messages from "./messages.ts";
import { contentOf, expiryOf, type Rename, saveCertificate } from "./save.ts";

export interface RescueOptions {
  readonly generation: number;
  readonly socket: StatsSocket;
  /** The certificates that HAProxy obtains, according to the configuration. */
  readonly files: readonly FileReference[];
  readonly log: Log;
}

/** Whether any file was replaced. Nothing may be reading the files meanwhile. */
export async function rescue({ generation, socket, files, log }: RescueOptions): Promise<boolean> {
  const ask = createAsk(socket);
  const byName = new Map(files.map((file) => [file.name, file]));
  let isSaved = false;
  for (const { name, expiresMs } of await showRenewals(ask) ?? []) {
    const file = byName.get(name);
    if (file === undefined) continue;
    const { text, content: loaded } = await contentOf(file.path);
    if (expiresMs <= (await expiryOf(text) ?? -Infinity)) continue;
    const dump = await dumpCertificate(ask, name) ?? "";
    const end = await saveCertificate(dump, file, { loaded, replace: atOnce });
    const facts = { generation, path: file.path };
    if (end.tag === "saved") log(messages.saved(facts, end.expiresMs));
    if (end.tag === "not_written") log(messages.notWritten(facts, end.reason));
    isSaved ||= end.tag === "saved";
  }
  return isSaved;
}

const atOnce = (rename: Rename) => Promise.resolve(rename());
