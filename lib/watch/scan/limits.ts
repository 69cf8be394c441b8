/** Finds what is too large to follow normally, and says how it is followed instead. Pure. */
import { MOST_REFERENCES } from "../../config/file_references.ts";
import { MOST_TEXT_BYTES } from "../../config/tokens.ts";
import { formatBytes, MOST_DIGESTED_BYTES } from "../../system/files/contents.ts";
import { formatDuration } from "../../text/duration.ts";
import { POLL_PAUSE, type WholeDirectory } from "../directories/directories.ts";
import { type Fingerprint, isTooLarge } from "./fingerprint.ts";
import type { Inventory, SourceFile } from "./inventory.ts";
import { isConfiguration, type ScanResult } from "./scan.ts";
import type { Remark } from "./remarks.ts";

export function findLimits(
  { inventory, seen, references }: ScanResult,
  pollIntervalMs: number,
): Remark[] {
  return [
    ...wholeDirectories(inventory, pollIntervalMs),
    ...seen.tag === "taken" ? largeFiles(seen.fingerprint.files) : [],
    ...longTexts(inventory),
    ...references.length < MOST_REFERENCES ? [] : [MANY_NAMES],
  ];
}

function wholeDirectories({ files }: Inventory, pollIntervalMs: number): Remark[] {
  return files.flatMap(({ path, whole }) =>
    whole === undefined ? [] : [{
      key: `directory ${path}`,
      reason: "large directory",
      text:
        `"${path}" has ${whole.entries} entries, too many to follow each: any change causes a ` +
        `reload, and one without an event is ${rate(whole, pollIntervalMs)}`,
    }]
  );
}

function rate({ durationMs }: WholeDirectory, pollIntervalMs: number): string {
  if (pollIntervalMs === 0) return "never found (--poll-interval 0)";
  const everyMs = Math.max(pollIntervalMs, POLL_PAUSE * durationMs);
  const every = formatDuration(Math.ceil(everyMs / 1_000) * 1_000);
  return `found within ${every}, because reading them takes ${
    formatDuration(Math.ceil(durationMs))
  }`;
}

function largeFiles(files: Fingerprint["files"]): Remark[] {
  return [...files].filter(([, { content }]) => isTooLarge(content)).map(([path]) => ({
    key: `file ${path}`,
    reason: "large file",
    text: `"${path}" is not read, because it exceeds ${formatBytes(MOST_DIGESTED_BYTES)} ` +
      "or is one of many large files: it counts as changed whenever its size or times change",
  }));
}

/** The texts of each kind are read in order, and those that no longer fit are skipped. */
function longTexts({ files }: Inventory): Remark[] {
  return [files.filter(isConfiguration), files.filter(isList)].flatMap((texts) => {
    let left = MOST_TEXT_BYTES;
    return texts.filter(({ info }) => {
      const size = info?.size ?? 0;
      const fits = size <= left;
      if (fits) left -= size;
      return !fits;
    });
  }).map(({ path }) => ({
    key: `text ${path}`,
    reason: "large configuration",
    text: `"${path}" is not searched for file names, because it and those before it exceed ` +
      formatBytes(MOST_TEXT_BYTES) +
      ": only those of its files that HAProxy itself lists are watched",
  }));
}

const isList = ({ source, whole }: SourceFile) => source.namesFiles === true && whole === undefined;

const MANY_NAMES: Remark = {
  key: "names",
  reason: "many files",
  text: `the configuration names more than ${MOST_REFERENCES} files: only these are watched`,
};
