/** Says what is too large to be followed as the rest is, and how it is followed then: once of each. */
import { formatBytes, MOST_DIGESTED_BYTES } from "../../system/contents.ts";
import { formatDuration } from "../../text/duration.ts";
import { MOST_TEXT_BYTES } from "../../config/tokens.ts";
import { MOST_REFERENCES } from "../../config/file_references.ts";
import type { Log, LogEntry } from "../../system/log.ts";
import { POLL_PAUSE, type Whole } from "../directories/directories.ts";
import { isTooLarge } from "./fingerprint.ts";
import type { Inventory, SourceFile } from "./inventory.ts";
import type { ScanResult } from "./scan.ts";

/** Makes the function that is given each look at everything. */
export function createLimitReport(
  log: Log,
  { pollIntervalMs }: { readonly pollIntervalMs: number },
): (look: ScanResult) => void {
  let told: ReadonlySet<string> = new Set();
  return ({ inventory, seen, named }) => {
    const found = [
      ...wholeDirectories(inventory, pollIntervalMs),
      ...seen.tag === "taken" ? largeFiles(seen.fingerprint.files) : [],
      ...longTexts(inventory),
      ...manyNames(named),
    ];
    const news = found.filter(({ key }) => !told.has(key));
    // What is as it should be again may be told once more later.
    told = new Set(found.map(({ key }) => key));
    news.slice(0, MOST_TOLD).forEach(({ text, reason }) => log(entry(text, reason)));
    if (news.length <= MOST_TOLD) return;
    log(entry(`${news.length - MOST_TOLD} more files and directories are too large`, "too large"));
  };
}

interface Remark {
  readonly key: string;
  readonly text: string;
  readonly reason: string;
}

const MOST_TOLD = 5;

const entry = (text: string, reason: string): LogEntry => ({
  level: "warning",
  text,
  fields: { reason },
});

function wholeDirectories({ files }: Inventory, pollIntervalMs: number): Remark[] {
  return files.flatMap(({ path, whole }) =>
    whole === undefined ? [] : [{
      key: `directory ${path}`,
      text:
        `"${path}" has ${whole.entries} entries, too many to follow each: a change of any of them is a ` +
        `reload, and where no event tells of it, it is found ${rate(whole, pollIntervalMs)}`,
      reason: "large directory",
    }]
  );
}

function rate({ durationMs }: Whole, pollIntervalMs: number): string {
  if (pollIntervalMs === 0) return "never (--poll-interval 0)";
  const every = Math.max(pollIntervalMs, POLL_PAUSE * durationMs);
  return `within ${formatDuration(Math.ceil(every / 1_000) * 1_000)}, as reading them takes ${
    formatDuration(Math.ceil(durationMs))
  }`;
}

function largeFiles(files: ReadonlyMap<string, { readonly content: string }>): Remark[] {
  const found: Remark[] = [];
  for (const [path, { content }] of files) {
    if (!isTooLarge(content)) continue;
    found.push({
      key: `file ${path}`,
      text:
        `"${path}" is not read, since it has more than ${formatBytes(MOST_DIGESTED_BYTES)}, or ` +
        "is one of many large files: it counts as changed whenever its size or times change",
      reason: "large file",
    });
  }
  return found;
}

/** In the order in which they are read: what does not fit any more is left out. */
function longTexts({ files }: Inventory): Remark[] {
  return [files.filter(isConfiguration), files.filter(isList)].flatMap((texts) => {
    let left = MOST_TEXT_BYTES;
    return texts.flatMap(({ path, info }) => {
      const size = info?.size ?? 0;
      if (size <= left) {
        left -= size;
        return [];
      }
      return [{
        key: `text ${path}`,
        text: `"${path}" is not searched for the names of files, since it has more than ` +
          `${
            formatBytes(MOST_TEXT_BYTES)
          } with those before it: of what it names, only what HAProxy ` +
          "itself lists is watched",
        reason: "large configuration",
      }];
    });
  });
}

const isConfiguration = ({ source, whole }: SourceFile) =>
  source.kind === "configuration" && whole === undefined;
const isList = ({ source, whole }: SourceFile) => source.namesFiles === true && whole === undefined;

function manyNames(named = 0): Remark[] {
  return named < MOST_REFERENCES ? [] : [{
    key: "names",
    text: `the configuration names more than ${MOST_REFERENCES} files: only the first are watched`,
    reason: "many files",
  }];
}
