/**
 * Finds the files that an HAProxy configuration names. The generators yield every 20 ms or so: run them with
 * `inSteps` or `atOnce`. Pure.
 */
import { blocksOf, type Environment, LONGEST_LINE, readInSteps, type Span } from "./tokens.ts";
import type { Bases } from "./base_directories.ts";
import { type FileRole, WANTED } from "./file_keywords.ts";
import { type ListUsingLine, usesLists } from "./list_uses.ts";
import { ReferenceFinder } from "./reference_finder.ts";
import type { SideFileRule } from "./side_files.ts";

export interface ConfigurationFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/** A word in a configuration or certificate list that names a file, or a directory that HAProxy loads as a whole. */
export interface FileReference {
  /** Absolute. */
  readonly path: string;
  /** HAProxy's name for the file, by which the Runtime API knows it. */
  readonly name: string;
  readonly role: FileRole;
  /** The `key` of a `load` line or of a line in a certificate list, absolute; `null` without one. */
  readonly keyPath: string | null;
  /** The word before it: `crt`, `errorfile`, `map_str`, `-f` and so on; `load` for a certificate of a `crt-store`. */
  readonly keyword: string;
  readonly file: string;
  readonly line: number;
  /** Its index among the words of its line. */
  readonly word: number;
  /** The part of the word that names the file; `null`: all of it. */
  readonly span: Span | null;
  /** What precedes the path: `opt@`, `file@` or nothing. */
  readonly prefix: string;
  /** The name by which a `crt-store` knows the certificate, if that is its path as written; otherwise `null`. */
  readonly alias: string | null;
  /** Whether HAProxy obtains the certificate itself, as `acme` on its line says. */
  readonly isObtained: boolean;
  /** `false` for an action such as `set-map(FILE)`, which changes what something else loads by that name. */
  readonly loads: boolean;
}

export interface FoundReferences {
  /** The first reference to each watchable file in each role. */
  readonly files: readonly FileReference[];
  readonly sideFiles: SideFileRule;
  /** By the path of each configuration file, for the certificate lists that it names. */
  readonly bases: ReadonlyMap<string, Bases>;
  /** The lines that decide which certificates stand beside certificate lists. */
  readonly listUsing: readonly ListUsingLine[];
}

export interface FindOptions {
  readonly workingDirectory: string;
  readonly environment: Environment;
  /** Called with every reference. */
  readonly onReference?: (reference: FileReference) => void;
}

/**
 * Reads all `files` of one HAProxy in order, because a setting affects what follows it, and all branches of an `.if`.
 * Leaves out names that HAProxy makes at run time, what it only writes, and what is not a file (`/dev/null`).
 */
export function* findFileReferences(
  files: readonly ConfigurationFile[],
  { workingDirectory, environment, onReference }: FindOptions,
): Generator<void, FoundReferences> {
  const { files: found, add } = distinctFiles(onReference);
  const finder = new ReferenceFinder(withoutBases(workingDirectory), add);
  const bases = new Map<string, Bases>();
  const listUsing: ListUsingLine[] = [];
  const onLine = (words: readonly string[], line: number) => {
    if (usesLists(words)) listUsing.push({ file: finder.file, words });
    finder.readLine(words, line);
  };
  let variables = environment;
  for (const { path, text } of files) {
    finder.enterFile(path);
    variables = yield* readInSteps(text, variables, { wanted: WANTED, onLine });
    bases.set(path, finder.bases);
  }
  const { sideFiles } = finder;
  return { files: [...found.values()], sideFiles, bases, listUsing };
}

/** Finds what the lines of a certificate list name: `path [options] filters`, without any quoting. */
export function* findListedCertificates(
  list: ConfigurationFile,
  bases: Bases,
  onReference?: (reference: FileReference) => void,
): Generator<void, readonly FileReference[]> {
  const { files: found, add } = distinctFiles(onReference);
  const finder = new ReferenceFinder(bases, add);
  finder.file = list.path;
  for (const { text, linesBefore } of blocksOf(list.text)) {
    if (linesBefore > 0) yield;
    text.split("\n").forEach((line, index) => {
      const words = line.length > LONGEST_LINE ? [] : listedWords(line).map(({ word }) => word);
      if (words.length > 0) finder.readListed(words, linesBefore + index + 1);
    });
  }
  return [...found.values()];
}

/** The words in a certificate list's line that may name files: the certificate, and those in brackets. */
export function listedWords(line: string): { readonly word: string; readonly span: Span }[] {
  const [, before, path, between, options = ""] = LISTED.exec(line) ?? [];
  if (path === undefined) return [];
  const offset = before!.length;
  const start = offset + path.length + between!.length;
  const more = Array.from(options.matchAll(/\S+/g), ({ 0: word, index }) => (
    { word, span: { offset: start + index, length: word.length } }
  ));
  return [{ word: path, span: { offset, length: path.length } }, ...more];
}

/** Blanks, the certificate, what follows it, and what the first brackets hold. */
const LISTED = /^(\s*)([^\s#[][^\s[]*)([^[]*\[?)([^\]]*)/;

/** Each takes about a kilobyte while it is watched. Further files are ignored. */
export const MOST_REFERENCES = 20_000;

function distinctFiles(onReference: FindOptions["onReference"]) {
  const files = new Map<string, FileReference>();
  const add = (reference: FileReference): void => {
    onReference?.(reference);
    const { path, role, name, loads } = reference;
    const identity = `${path}\0${role}\0${name}`;
    if (!loads || files.size >= MOST_REFERENCES || files.has(identity)) return;
    if (isWatchable(path)) files.set(identity, reference);
  };
  return { files, add };
}

const isWatchable = (path: string) =>
  !/^\/(?:dev|proc|sys)(?:\/|$)/.test(path) && !path.includes("%[");

const withoutBases = (directory: string): Bases => ({ crt: null, key: null, ca: null, directory });
