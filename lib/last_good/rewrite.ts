/** Makes a configuration load copies of the files that it names, and changes nothing else. Pure. */
import {
  type Environment,
  type PlacedLine,
  quotedWord,
  readPlacedConfiguration,
  type Span,
} from "../config/tokens.ts";
import type { Bases } from "../config/base_directories.ts";
import { quotedArgument } from "../config/converters.ts";
import {
  type ConfigurationFile,
  type FileReference,
  findFileReferences,
  findListedCertificates,
  listedWords,
} from "../config/file_references.ts";
import { type FileRole, WANTED } from "../config/file_keywords.ts";
import { atOnce } from "../system/threads.ts";

/** The path of the copy of a file or directory; `null` if there is none. */
export type CopyOf = (path: string, role: FileRole) => string | null;

export interface Rewritten {
  /** By the path of each file. */
  readonly texts: ReadonlyMap<string, string>;
  /** The certificate lists that they name, by their original paths. */
  readonly lists: ReadonlyMap<string, Bases>;
}

/**
 * Rewrites all `files` of one HAProxy, in their order. A file without a copy is loaded from where it was: its
 * relative name becomes absolute, because `default-path config` would start at the copy's directory.
 */
export function rewriteConfigurations(
  files: readonly ConfigurationFile[],
  { environment, copyOf, ...options }: {
    /** Where relative names started. */
    readonly workingDirectory: string;
    readonly environment: Environment;
    readonly copyOf: CopyOf;
  },
): Rewritten {
  const references: FileReference[] = [];
  const onReference = (reference: FileReference) => references.push(reference);
  const found = atOnce(findFileReferences(files, { ...options, environment, onReference }));
  const byFile = Map.groupBy(references, ({ file }) => file);
  const texts = new Map<string, string>();
  let variables = environment;
  for (const { path, text } of files) {
    const { lines, environment: next } = readPlacedConfiguration(text, variables, WANTED);
    variables = next;
    const rewrite = (line: string, number: number) => {
      const placed = placedLines.get(number);
      const inLine = byLine.get(number);
      return placed && inLine ? rewriteLine(line, placed, { references: inLine, copyOf }) : line;
    };
    const placedLines = new Map(lines.map((line) => [line.number, line]));
    const byLine = Map.groupBy(byFile.get(path) ?? [], ({ line }) => line);
    texts.set(path, eachLine(text, rewrite));
  }
  const lists = found.files.filter(({ role }) => role === "certificate_list");
  return { texts, lists: new Map(lists.map(({ path, file }) => [path, found.bases.get(file)!])) };
}

/** Nothing in a certificate list can be quoted, so a copy's path must need no quotes. */
export function rewriteCertificateList(
  list: ConfigurationFile,
  { bases, copyOf }: { readonly bases: Bases; readonly copyOf: CopyOf },
): string {
  const references: FileReference[] = [];
  atOnce(findListedCertificates(list, bases, (reference) => references.push(reference)));
  const byLine = Map.groupBy(references, ({ line }) => line);
  return eachLine(list.text, (line, number) => {
    const words = listedWords(line);
    const parts = (byLine.get(number) ?? []).map((reference) => {
      const { word, span } = words[reference.word]!;
      return { span, text: renamed(word, reference, copyOf) ?? word };
    });
    return replaceParts(line, parts);
  });
}

function eachLine(text: string, rewrite: (line: string, number: number) => string): string {
  return text.split("\n").map((line, index) => rewrite(line, index + 1)).join("\n");
}

interface LineOptions {
  readonly references: readonly FileReference[];
  readonly copyOf: CopyOf;
}

/** Words that share a span, as those of one variable do, are rewritten together. */
function rewriteLine(
  line: string,
  { words, spans }: PlacedLine,
  { references, copyOf }: LineOptions,
): string {
  const byWord = Map.groupBy(references, ({ word }) => word);
  const rewritten = words.map((word, index) =>
    rewriteWord(word, { references: byWord.get(index) ?? [], copyOf })
  );
  const groups = Map.groupBy(words.keys(), (index) => spans[index]!.offset);
  const parts = [...groups.values()].filter((group) => group.some((i) => rewritten[i] !== null))
    .map((group) => ({
      span: spans[group[0]!]!,
      text: group.flatMap((i) => rewritten[i] ?? [words[i]!]).map(quotedWord).join(" "),
    }));
  return replaceParts(line, parts);
}

/** The words that replace `word`; `null` if it stays. */
function rewriteWord(word: string, { references, copyOf }: LineOptions): readonly string[] | null {
  const whole = references.find(({ span }) => span === null);
  if (whole !== undefined) {
    const name = renamed(word, whole, copyOf);
    if (name === null) return null;
    return whole.alias === null ? [name] : [name, "alias", whole.alias];
  }
  const parts = references.flatMap((reference) => {
    const { span, prefix, loads } = reference;
    const { offset, length } = span!;
    const written = word.slice(offset, offset + length);
    const name = renamed(written.replace(/^["']/, ""), reference, copyOf);
    if (name === null) return [];
    return [{ span: span!, text: loads ? quotedArgument(prefix + name) : name }];
  });
  return parts.length === 0 ? null : [replaceParts(word, parts)];
}

/** The new name of `written`, which may include its prefix; `null` if it stays. */
function renamed(written: string, { prefix, path, role, span }: FileReference, copyOf: CopyOf) {
  const copy = copyOf(path, role);
  const before = span === null ? prefix : "";
  if (copy !== null) return before + copy;
  const isAbsolute = written.startsWith("/", written.startsWith(prefix) ? prefix.length : 0);
  // HAProxy evaluates such a name at run time: it is not a path.
  return isAbsolute || path.includes("%[") ? null : before + path;
}

/** The parts may be in any order, with duplicates. */
function replaceParts(
  text: string,
  parts: readonly { readonly span: Span; readonly text: string }[],
): string {
  const sorted = [...new Map(parts.map((part) => [part.span.offset, part])).values()]
    .sort((a, b) => b.span.offset - a.span.offset);
  return sorted.reduce(
    (rest, { span: { offset, length }, text }) =>
      rest.slice(0, offset) + text + rest.slice(offset + length),
    text,
  );
}
