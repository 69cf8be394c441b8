/** Reads configuration lines that HAProxy names, with those around them. */
import { resolve } from "@std/path";
import { readTextFile } from "../system/files/contents.ts";
import { placesOf } from "../haproxy/failure/alerts.ts";
import { MOST_TEXT_BYTES } from "../config/tokens.ts";
import { maskedLines } from "../secrets/masked_line.ts";
import type { Excerpt } from "./history/snapshot.ts";

export interface ExcerptOptions {
  /** The absolute paths of the configuration files: no other file may be shown. */
  readonly files: ReadonlySet<string>;
  /** The base of relative paths. */
  readonly directory: string;
}

/** The lines that `alerts` name and those around them, as they are on disk now. Skips unreadable files. */
export async function readExcerpts(
  alerts: readonly string[],
  { files, directory }: ExcerptOptions,
): Promise<readonly Excerpt[]> {
  const excerpts: Excerpt[] = [];
  for (const { path, line } of placesOf(alerts).slice(0, MOST_EXCERPTS)) {
    const file = resolve(directory, path);
    const text = files.has(file)
      ? await readTextFile(file, MOST_TEXT_BYTES).catch(() => null)
      : null;
    const lines = text === null ? [] : linesAround(text, line);
    if (lines.length > 0) excerpts.push({ path, line, lines });
  }
  return excerpts;
}

/** `line` and those around it, numbered from 1, with possible secrets masked. Pure. */
export function linesAround(text: string, line: number): Excerpt["lines"] {
  const first = Math.max(1, line - NEIGHBOURS);
  return maskedLines(text, { first, last: line + NEIGHBOURS })
    .map((text, index) => ({ number: first + index, text: text.slice(0, MOST_CHARACTERS) }))
    .filter(({ text, number }) => number === line || text !== "");
}

const MOST_EXCERPTS = 5;
const NEIGHBOURS = 3;
const MOST_CHARACTERS = 300;
