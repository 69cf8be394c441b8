/** Decides how a running process comes to have other lines in a certificate list, or that only a reload can do it. Pure. */
import { listedName, type ListLine, spellingOf } from "../../config/list_lines.ts";
import { optionsOf } from "./options.ts";

export interface ListChange {
  readonly kept: readonly ListLine[];
  readonly added: readonly ListLine[];
  readonly removed: readonly ListLine[];
}

/** Why only a reload can do it, as a clause. */
export type Obstacle = string;

export interface Lines {
  readonly before: readonly ListLine[];
  readonly after: readonly ListLine[];
}

export function compareLines({ before, after }: Lines): ListChange | Obstacle {
  const [old, next] = [bySpelling(before), bySpelling(after)];
  if (old === null || next === null) return "a line is there twice";
  const [first] = before;
  // It may be for clients that ask for no name that is known.
  if (first === undefined || spellingOf(first) !== spellingOf(after[0] ?? first)) {
    return "its first line is another";
  }
  const kept = [...next.keys()].filter((spelling) => old.has(spelling));
  if (kept.join("\n") !== [...old.keys()].filter((spelling) => next.has(spelling)).join("\n")) {
    return "its lines have another order";
  }
  if (after.length === 0) return "it is empty";
  const added = [...next].flatMap(([spelling, line]) => old.has(spelling) ? [] : [line]);
  const removed = [...old].flatMap(([spelling, line]) => next.has(spelling) ? [] : [line]);
  if (added.length + removed.length > MOST_LINES) return `more than ${MOST_LINES} lines changed`;
  return obstacleTo({ added, removed }) ??
    { kept: kept.map((spelling) => next.get(spelling)!), added, removed };
}

/** For more at once a reload is no slower. */
const MOST_LINES = 100;

function bySpelling(lines: readonly ListLine[]): ReadonlyMap<string, ListLine> | null {
  const all = new Map(lines.map((line) => [spellingOf(line), line]));
  return all.size === lines.length ? all : null;
}

function obstacleTo({ added, removed }: Pick<ListChange, "added" | "removed">): Obstacle | null {
  for (const line of [...added, ...removed]) {
    const { path, options, filters } = line;
    if (optionsOf(options) === null) return `the options of "${path}" matter to sessions`;
    if (filters.some((filter) => /^!?\*?$/.test(filter))) return `"${path}" is for all names`;
    const others = [...added, ...removed].filter((other) => other.path === path);
    // A session that began with the old ones would be resumed.
    if (others.some((other) => other.options !== options)) {
      return `the options of "${path}" changed`;
    }
  }
  return null;
}

export interface NamedLine {
  readonly line: ListLine;
  /** Those in the certificate. */
  readonly names: readonly string[];
}

/**
 * Why the place of a new line matters: HAProxy puts it behind all others, and of two for one name it serves the first.
 * `beside`: the names that certificates outside the list are for.
 */
export function obstacleToPlaces(
  { added, kept, beside }: {
    readonly added: readonly NamedLine[];
    readonly kept: readonly NamedLine[];
    readonly beside: readonly string[];
  },
): Obstacle | null {
  const owners = new Map<string, string>(beside.map((name) => [name, "another certificate"]));
  for (const { line, names } of kept) {
    for (const name of namesOf(line, names)) owners.set(name, `"${line.path}"`);
  }
  for (const { line, names } of added) {
    const own = namesOf(line, names);
    const shared = [...own].find((name) => owners.has(name));
    if (shared !== undefined) {
      return `"${line.path}" is new, and ${owners.get(shared)} is for "${shared}" as well`;
    }
    for (const name of own) owners.set(name, `"${line.path}"`);
  }
  return null;
}

/** Whether its own names may count: those of a line without filters, or with none but exceptions. */
export const isForOwnNames = ({ filters }: ListLine): boolean =>
  filters.every((filter) => filter.startsWith("!"));

function namesOf(line: ListLine, own: readonly string[]): ReadonlySet<string> {
  const wanted = line.filters.filter((filter) => !filter.startsWith("!"));
  return new Set([
    ...wanted.map((name) => name.toLowerCase()),
    ...isForOwnNames(line) ? own : [],
  ]);
}

/** A line as a process shows it, in one spelling; options that are not known count as the same. */
export function shownSpelling(name: string, { options, filters }: Omit<ListLine, "path">): string {
  return [name, `[${optionsOf(options) ?? "…"}]`, ...filters].join(" ");
}

export const shownSpellings = (lines: readonly ListLine[], base: string | null) =>
  lines.map((line) => shownSpelling(listedName(line, base), line));
