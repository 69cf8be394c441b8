/** Finds the files that an HAProxy configuration names. Pure. */
import { atOnce } from "../system/threads.ts";
import {
  blocksOf,
  type Environment,
  LONGEST_LINE,
  type Place,
  readConfiguration,
} from "./tokens.ts";
import { Finder } from "./reference_finder.ts";
import type { Bases, NamedFile, Naming, SideFileRule } from "./file_reference.ts";
import { WANTED } from "./file_keywords.ts";

export type { Bases, NamedFile, Naming, SideFileRule } from "./file_reference.ts";

export interface ConfigurationFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

export interface NamedFiles {
  readonly files: readonly NamedFile[];
  readonly sideFiles: SideFileRule;
  /** By the path of each configuration file: for the certificate lists that it names. */
  readonly bases: ReadonlyMap<string, Bases>;
}

/**
 * Goes through all `files` of one HAProxy in their order, as a setting counts for what stands below it.
 * Both branches of an `.if` are gone through. Names that HAProxy makes while it runs are left out, and
 * so is what it only writes, and what is no file (`/dev/null`).
 */
export const findNamedFiles = (
  files: readonly ConfigurationFile[],
  options: NamedFilesOptions,
): NamedFiles => atOnce(findNamedFilesInSteps(files, options));

export interface NamedFilesOptions {
  readonly workingDirectory: string;
  readonly environment: Environment;
  readonly onNaming?: (naming: Naming) => void;
}

/** The same in steps of some 20 ms. */
export function* findNamedFilesInSteps(
  files: readonly ConfigurationFile[],
  { workingDirectory, environment, onNaming }: NamedFilesOptions,
): Generator<void, NamedFiles> {
  const finder = new Finder(withoutBases(workingDirectory), onNaming);
  const bases = new Map<string, Bases>();
  let variables = environment;
  for (const { path, text } of files) {
    finder.enterFile(path);
    for (const block of blocksOf(text)) {
      if (block.linesBefore > 0) yield;
      const configuration = readConfiguration(block.text, variables, WANTED);
      for (const { number, words } of configuration.lines) {
        finder.readLine(words, block.linesBefore + number);
      }
      variables = configuration.environment;
    }
    bases.set(path, finder.bases);
  }
  return { files: [...finder.found.values()], sideFiles: finder.sideFiles, bases };
}

/** Finds what the lines of a certificate list name: `path [options] filters`, without any quoting. */
export const findListedCertificates = (
  list: ConfigurationFile,
  bases: Bases,
  onNaming?: (naming: Naming) => void,
): NamedFile[] => atOnce(findListedCertificatesInSteps(list, bases, onNaming));

/** The same in steps of some 20 ms. */
export function* findListedCertificatesInSteps(
  list: ConfigurationFile,
  bases: Bases,
  onNaming?: (naming: Naming) => void,
): Generator<void, NamedFile[]> {
  const finder = new Finder(bases, onNaming);
  finder.file = list.path;
  for (const { text, linesBefore } of blocksOf(list.text)) {
    if (linesBefore > 0) yield;
    text.split("\n").forEach((line, index) => {
      const words = line.length > LONGEST_LINE ? [] : listedWords(line).map(({ word }) => word);
      if (words.length > 0) finder.readListed(words, linesBefore + index + 1);
    });
  }
  return [...finder.found.values()];
}

/** A line's certificate and the words of its options, with their places; none of a comment. */
export function listedWords(line: string): { readonly word: string; readonly place: Place }[] {
  const [, before, path, between, options = ""] = LISTED.exec(line) ?? [];
  if (path === undefined) return [];
  const offset = before!.length;
  const start = offset + path.length + between!.length;
  return [
    { word: path, place: { offset, length: path.length } },
    ...Array.from(options.matchAll(/\S+/g), ({ 0: word, index }) => ({
      ...{ word, place: { offset: start + index, length: word.length } },
    })),
  ];
}

/** Blanks, the certificate, what is between, and what stands in the first brackets. */
const LISTED = /^(\s*)([^\s#[][^\s[]*)([^[]*\[?)([^\]]*)/;

const withoutBases = (directory: string): Bases => ({ crt: null, key: null, ca: null, directory });
