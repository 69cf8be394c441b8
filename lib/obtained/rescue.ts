/**
 * Puts right what a killed wrapper left: unfinished files, and what its process has obtained since. What that process
 * loaded is unknown, so of it and the files the one that expires later counts as newer.
 */
import type { FileReference } from "../config/file_references.ts";
import { createAsk, type StatsSocket } from "../haproxy/runtime/client.ts";
import { dumpCertificate, showRenewals } from "../haproxy/runtime/renewals.ts";
import { cutOff } from "../system/cut_off.ts";
import type { Log } from "../system/log.ts";
import { systemReason } from "../text/system_reason.ts";
import { MISSING } from "../watch/scan/fingerprint.ts";
import { holdingOf } from "./holding.ts";
import * as messages from "./messages.ts";
import type { Rename } from "./parts.ts";
import { saveCertificate } from "./save.ts";
import { tidyUp } from "./tidy.ts";

export interface RescueOptions {
  /** The process that still serves; `null` if none does. */
  readonly left: { readonly generation: number; readonly socket: StatsSocket } | null;
  /** The certificates that HAProxy obtains, according to the configuration. */
  readonly files: readonly FileReference[];
  readonly log: Log;
  readonly cancel: AbortSignal;
}

/**
 * Whether any file may have been replaced. Nothing may be reading the files meanwhile. What is not saved when `cancel`
 * aborts, or a frozen process has taken its time, is not saved: HAProxy orders anew.
 */
export async function rescue(options: RescueOptions): Promise<boolean> {
  const isTidied = await tidyAll(options);
  const end = new AbortController();
  const limits = { timeoutMs: LIMIT_MS, cancel: options.cancel };
  const isSaved = await cutOff(saveAll(options, end.signal), limits);
  end.abort();
  return isSaved !== false || isTidied;
}

/** Nothing serves clients better meanwhile, and a process that works answers within milliseconds. */
const LIMIT_MS = 3_000;

async function tidyAll({ files, log }: RescueOptions): Promise<boolean> {
  let isFinished = false;
  for (const file of files) {
    try {
      const { finished, removed } = await tidyUp(file);
      finished.map(messages.finished).forEach(log);
      removed.map(messages.removed).forEach(log);
      isFinished ||= finished.length > 0;
    } catch (error) {
      log(messages.notTidied(file.path, systemReason(error)));
    }
  }
  return isFinished;
}

async function saveAll(
  { left, files, log }: RescueOptions,
  cancel: AbortSignal,
): Promise<boolean> {
  if (left === null) return false;
  const ask = createAsk(left.socket, cancel);
  const byName = new Map(files.map((file) => [file.name, file]));
  const replace = (rename: Rename) => Promise.resolve(!cancel.aborted && rename());
  let isSaved = false;
  for (const { name, expiresMs } of await showRenewals(ask) ?? []) {
    const file = byName.get(name);
    if (file === undefined) continue;
    const { contents: loaded, certificate } = await holdingOf(file);
    const isMissing = loaded.get(file.path) === MISSING;
    // What does not exist has always expired, and so has what HAProxy makes up without a file.
    const heldMs = certificate === null ? -Infinity : Date.parse(certificate.validTo);
    if (expiresMs <= (isMissing ? Date.now() : heldMs)) continue;
    const dump = await dumpCertificate(ask, name);
    if (dump === null) break;
    const end = await saveCertificate(dump, file, { files, loaded, replace });
    const facts = { generation: left.generation, path: file.path };
    if (end.tag === "saved") log(messages.saved(facts, end.expiresMs));
    if (end.tag === "not_written") log(messages.notWritten(facts, end.reason));
    isSaved ||= end.tag === "saved";
  }
  return isSaved;
}
