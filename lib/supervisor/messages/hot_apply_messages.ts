/** The log lines about hot applies, and about new files that are not whole yet. Pure. */
import type { Applied, Refused } from "../../hot_apply/hot_apply.ts";
import type { NotWhole } from "../../hot_apply/newcomers.ts";
import { nounOf } from "../../hot_apply/kinds/nouns.ts";
import type { Target } from "../../loaded/targets.ts";
import type { LogEntry } from "../../system/log.ts";
import { formatDuration } from "../../text/duration.ts";
import { abridged } from "../../watch/scan/fingerprint.ts";
import { info, list, listPaths, MOST_LISTED, warning } from "./entry.ts";

/** One line for each of the first files, and one for the rest. */
export function hotApplied(all: readonly Applied[], generation: number): LogEntry[] {
  const lines = all.slice(0, MOST_LISTED).map(({ target, detail, durationMs, how = "updated" }) => {
    const elapsedMs = Math.round(durationMs);
    const fields = { generation, reason: "hot_applied", durationMs: elapsedMs };
    const where = `in generation ${generation} without a reload in ${elapsedMs} ms`;
    const text = target.tag === "server"
      ? `${detail}, ${where}`
      : `${describeFile(target)} ${how} ${where} (${detail})`;
    return info(text, { ...fields, changed: [target.path] });
  });
  const others = all.length - lines.length;
  if (others === 0) return lines;
  const text = `${others} more files updated in generation ${generation} without a reload`;
  return [...lines, info(text, { generation, reason: "hot_applied" })];
}

/** The same for refused files. `isReloaded`: another change needs a reload. */
export function refused(
  all: readonly Refused[],
  generation: number,
  { isReloaded }: { readonly isReloaded: boolean },
): LogEntry[] {
  const lines = all.slice(0, MOST_LISTED).map(({ target, reason, awaited }) => {
    const next = isReloaded
      ? "loaded as it is, by a reload that another change needs"
      : `generation ${generation} keeps the old one, waiting for ${awaited}`;
    const fields = { generation, reason, changed: [target.path] };
    return warning(`${describeFile(target)} ${reason}; ${next}`, fields);
  });
  const others = all.length - lines.length;
  if (others === 0) return lines;
  const next = isReloaded ? "" : `; generation ${generation} keeps the old ones`;
  const text = `${others} more files must not be served${next}`;
  return [...lines, warning(text, { generation, reason: "refused" })];
}

export const notAllApplied = (reason: string, generation: number) =>
  warning(`generation ${generation} did not get every renewed certificate: ${reason}`, {
    generation,
    reason,
  });

export const notApplied = (reason: string, generation: number) =>
  info(`cannot hot-apply to generation ${generation}, reloading: ${reason}`, {
    generation,
    reason,
  });

/** `version`: HAProxy's. */
export const removedServersKept = (version: string | null, generation: number) =>
  info(
    `servers that are removed stay in maintenance until the next reload: deleting one is not ` +
      `known to be safe in HAProxy ${version ?? "of this release"}`,
    { generation, reason: "removed_servers" },
  );

/** `answer`: HAProxy's, as a clause. */
export const removedServersLeft = (names: readonly string[], answer: string, generation: number) =>
  warning(
    `generation ${generation} cannot delete removed servers yet (${answer}), which stay in ` +
      `maintenance, at the latest until the next reload: ${listPaths(names)}`,
    { generation, reason: "removed_servers" },
  );

export const awaitsFiles = (files: readonly NotWhole[], waitMs: number) =>
  info(
    `reload delayed by at most ${formatDuration(waitMs)}, until new files are whole: ` +
      list(files.map(({ path, reason }) => `"${path}" ${reason}`)),
    { reason: files[0]!.reason, changed: abridged(files.map(({ path }) => path)) },
  );

const describeFile = (target: Target) => `${nounOf(target)} "${target.path}"`;
