/** Makes a configuration load copies of the files that it names, and changes nothing else. Pure. */
import {
  type Environment,
  type Place,
  type PlacedLine,
  quotedWord,
  readPlacedConfiguration,
} from "../config/tokens.ts";
import { quotedArgument } from "../config/converters.ts";
import {
  type Bases,
  type ConfigurationFile,
  findListedCertificates,
  findNamedFiles,
  listedWords,
  type Naming,
} from "../config/file_references.ts";
import { type Role, WANTED } from "../config/file_keywords.ts";

/** Where the copy of a file or directory is; `null` if there is none. */
export type CopyOf = (path: string, role: Role) => string | null;

export interface Rewritten {
  /** By the path of each file. */
  readonly texts: ReadonlyMap<string, string>;
  /** The certificate lists that they name, by their original paths. */
  readonly lists: ReadonlyMap<string, Bases>;
}

/**
 * Rewrites all `files` of one HAProxy, in their order. What has no copy is loaded from where it was: a
 * relative name becomes absolute, since `default-path config` would start at the copy's directory.
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
  const namings: Naming[] = [];
  const onNaming = (naming: Naming) => namings.push(naming);
  const named = findNamedFiles(files, { ...options, environment, onNaming });
  const byFile = Map.groupBy(namings, ({ file }) => file);
  const texts = new Map<string, string>();
  let variables = environment;
  for (const { path, text } of files) {
    const { lines, environment: next } = readPlacedConfiguration(text, variables, WANTED);
    variables = next;
    const rewrite = (line: string, number: number) => {
      const placed = found.get(number);
      const here = ofLine.get(number);
      return placed && here ? rewriteLine(line, placed, { namings: here, copyOf }) : line;
    };
    const found = new Map(lines.map((line) => [line.number, line]));
    const ofLine = Map.groupBy(byFile.get(path) ?? [], ({ line }) => line);
    texts.set(path, eachLine(text, rewrite));
  }
  const lists = named.files.filter(({ role }) => role === "certificate_list");
  return { texts, lists: new Map(lists.map(({ path, file }) => [path, named.bases.get(file)!])) };
}

/** Nothing in a certificate list can be quoted, so a copy's path must need no quotes. */
export function rewriteCertificateList(
  list: ConfigurationFile,
  { bases, copyOf }: { readonly bases: Bases; readonly copyOf: CopyOf },
): string {
  const namings: Naming[] = [];
  findListedCertificates(list, bases, (naming) => namings.push(naming));
  const byLine = Map.groupBy(namings, ({ line }) => line);
  return eachLine(list.text, (line, number) => {
    const words = listedWords(line);
    const parts = (byLine.get(number) ?? []).map((naming) => {
      const { word, place } = words[naming.word]!;
      return { place, text: renamed(word, naming, copyOf) ?? word };
    });
    return replaceParts(line, parts);
  });
}

function eachLine(text: string, rewrite: (line: string, number: number) => string): string {
  return text.split("\n").map((line, index) => rewrite(line, index + 1)).join("\n");
}

interface LineOptions {
  readonly namings: readonly Naming[];
  readonly copyOf: CopyOf;
}

/** Words at one place, as those of one variable, are rewritten together. */
function rewriteLine(
  line: string,
  { words, places }: PlacedLine,
  { namings, copyOf }: LineOptions,
): string {
  const byWord = Map.groupBy(namings, ({ word }) => word);
  const rewritten = words.map((word, index) =>
    rewriteWord(word, { namings: byWord.get(index) ?? [], copyOf })
  );
  const indices = Map.groupBy(words.keys(), (index) => places[index]!.offset);
  const parts = [...indices.values()].filter((group) => group.some((at) => rewritten[at] !== null))
    .map((group) => ({
      place: places[group[0]!]!,
      text: group.flatMap((at) => rewritten[at] ?? [words[at]!]).map(quotedWord).join(" "),
    }));
  return replaceParts(line, parts);
}

/** What replaces `word`; `null`: nothing does. */
function rewriteWord(word: string, { namings, copyOf }: LineOptions): readonly string[] | null {
  const whole = namings.find(({ place }) => place === null);
  if (whole !== undefined) {
    const name = renamed(word, whole, copyOf);
    if (name === null) return null;
    return whole.alias === null ? [name] : [name, "alias", whole.alias];
  }
  const parts = namings.flatMap((naming) => {
    const { place, prefix, isReference } = naming;
    const { offset, length } = place!;
    const written = word.slice(offset, offset + length);
    const name = renamed(written.replace(/^["']/, ""), naming, copyOf);
    if (name === null) return [];
    return [{ place: place!, text: isReference ? name : quotedArgument(prefix + name) }];
  });
  return parts.length === 0 ? null : [replaceParts(word, parts)];
}

/** The new name of `written`, which may have its prefix; `null`: the old one. */
function renamed(written: string, { prefix, path, role, place }: Naming, copyOf: CopyOf) {
  const copy = copyOf(path, role);
  const before = place === null ? prefix : "";
  if (copy !== null) return before + copy;
  const isAbsolute = written.startsWith("/", written.startsWith(prefix) ? prefix.length : 0);
  // HAProxy makes such a name while it runs: it is no path.
  return isAbsolute || path.includes("%[") ? null : before + path;
}

/** The parts may come in any order, and more than once. */
function replaceParts(
  text: string,
  parts: readonly { readonly place: Place; readonly text: string }[],
): string {
  const sorted = [...new Map(parts.map((part) => [part.place.offset, part])).values()]
    .sort((one, other) => other.place.offset - one.place.offset);
  return sorted.reduce(
    (rest, { place: { offset, length }, text }) =>
      rest.slice(0, offset) + text + rest.slice(offset + length),
    text,
  );
}
