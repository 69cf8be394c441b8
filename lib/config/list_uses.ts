/** Finds which certificates stand beside a certificate list (`crt-list`) on its `bind` lines. Pure. */
import type { Bases } from "./base_directories.ts";

/** A line of the configuration that matters to certificate lists, by its words. */
export interface ListUsingLine {
  readonly file: string;
  readonly words: readonly string[];
}

export interface ListUse {
  readonly bases: Bases;
  /** HAProxy's names for the certificates that the same `bind` lines name. */
  readonly companions: readonly string[];
}

/** Whether the line names a list, or may affect one that another line names. */
export const usesLists = (words: readonly string[]): boolean =>
  words.includes("crt-list") || isFarReaching(words[0]!);

/** By HAProxy's names for the lists: those for which nothing else decides which certificates are served. */
export function listUses(
  lines: readonly ListUsingLine[],
  bases: ReadonlyMap<string, Bases>,
): ReadonlyMap<string, ListUse> {
  const uses = new Map<string, ListUse>();
  const unsure = new Set<string>();
  for (const { file, words } of lines) {
    if (words[0] !== "bind") return new Map();
    const lists = valuesOf(words, ["crt-list"]);
    const own = bases.get(file);
    for (const list of lists) {
      const { bases = own, companions = [] } = uses.get(list) ?? {};
      if (lists.length > 1 || bases === undefined || bases.crt !== own?.crt) unsure.add(list);
      else {
        const more = valuesOf(words, ["crt", "default-crt"]).map((written) =>
          nameOf(written, bases)
        );
        uses.set(list, { bases, companions: [...companions, ...more] });
      }
    }
  }
  for (const list of unsure) uses.delete(list);
  return uses;
}

/** Of certificates for several `bind` lines, and of OCSP responses that HAProxy gets by itself. */
const isFarReaching = (keyword: string) =>
  ["default-bind", "ssl-f-use"].includes(keyword) || keyword.startsWith("tune.ssl.ocsp-update");

const valuesOf = (words: readonly string[], keywords: readonly string[]) =>
  words.filter((_, index) => keywords.includes(words[index - 1] ?? ""));

function nameOf(written: string, { crt }: Bases): string {
  const isWhole = crt === null || /^[/@]/.test(written);
  return (isWhole ? written : `${crt}/${written}`).replace(/(?<=.)\/+$/, "");
}
