/** Finds the files that the words of a line name, by what the lines above have said. Pure. */
import type { Place } from "./tokens.ts";
import { findConverters } from "./converters.ts";
import { NameBases } from "./base_directories.ts";
import type { Bases, NamedFile, Naming, SideFileRule } from "./file_reference.ts";
import {
  ACL_FLAGS,
  ALL_SIDE_FILES,
  ANSWER_FILES,
  ANSWER_WORDS,
  ANSWERING,
  type Base,
  CERTIFICATE_OPTIONS,
  FILTERS,
  LISTED_OPTIONS,
  OPTION_LINES,
  OPTIONS,
  OTHER,
  type Rule,
  rule,
  SETTINGS,
  SIDE_FILES,
  WHOLE_LINES,
} from "./file_keywords.ts";

interface Store {
  /** Empty for the unnamed one. */
  readonly name: string;
  crt: string | null;
  key: string | null;
}

/** Goes through the lines of all files of one HAProxy, in their order. */
export class Finder {
  readonly found = new Map<string, NamedFile>();
  sideFiles: SideFileRule = { extensions: ALL_SIDE_FILES, replacesCrt: false };
  file = "";
  readonly #onNaming: ((naming: Naming) => void) | undefined;
  readonly #bases: NameBases;
  #store: Store | null = null;
  #line = 0;

  constructor(bases: Bases, onNaming: ((naming: Naming) => void) | undefined) {
    this.#bases = new NameBases(bases);
    this.#onNaming = onNaming;
  }

  get bases(): Bases {
    return this.#bases.current;
  }

  enterFile(path: string): void {
    this.file = path;
    this.#store = null;
    this.#bases.enterFile(path);
  }

  readLine(words: readonly string[], line: number): void {
    this.#line = line;
    if (this.#isOfStore(words)) return this.#readStoreLine(words);
    if (SETTINGS.has(words[0]!)) this.#readSetting(words);
    this.#readOptions(words);
    this.#readWholeLine(words);
    this.#readAnswer(words);
    if (words[0] === "filter") this.#readFilter(words);
    this.#readPatterns(words);
  }

  readListed(words: readonly string[], line: number): void {
    this.#line = line;
    const key = words.indexOf("key", 1) + 1;
    const keyPath = key > 0 ? this.#resolved(this.#joined(words[key] ?? "", "key")) : null;
    const path = words[0]!;
    if (isOwnFile(path)) {
      this.#addCertificate({ keyword: "crt", word: 0 }, this.#joined(path, "crt"), { keyPath });
    }
    this.#addPairs(words, { from: 1, options: LISTED_OPTIONS });
  }

  /** A `crt-store` ends with the first line that cannot be its own, so that no other section is listed. */
  #isOfStore(words: readonly string[]): boolean {
    const keyword = words[0]!;
    if (keyword === "crt-store") this.#store = { name: words[1] ?? "", crt: null, key: null };
    else if (this.#store === null) return false;
    else if (!STORE_LINES.includes(keyword) && !keyword.startsWith(".")) this.#store = null;
    return this.#store !== null;
  }

  #readStoreLine(words: readonly string[]): void {
    const [keyword, value = null] = words;
    if (keyword === "crt-base") this.#store!.crt = value;
    if (keyword === "key-base") this.#store!.key = value;
    if (keyword === "load") this.#readLoad(words);
  }

  #readLoad(words: readonly string[]): void {
    const options = new Map<string, { readonly value: string; readonly word: number }>();
    for (let at = 1; at + 1 < words.length; at += 2) {
      options.set(words[at]!, { value: words[at + 1]!, word: at + 1 });
    }
    const [crt, key] = [options.get("crt"), options.get("key")?.value];
    const keyPath = key === undefined ? null : this.#resolved(this.#joined(key, "key"));
    if (crt !== undefined) {
      const joined = this.#joined(crt.value, "crt");
      const alias = options.get("alias")?.value;
      const own = storeName(this.#store!.name, alias, crt.value);
      this.#addCertificate({ keyword: "load", word: crt.word }, joined, {
        name: own ?? joined,
        keyPath,
        alias: own === null || alias !== undefined ? null : crt.value.replace(/^\//, ""),
      });
    }
    this.#addPairs(words, { from: 1, options: CERTIFICATE_OPTIONS });
  }

  #readSetting(setting: readonly string[]): void {
    const [keyword, ...words] = setting;
    this.#bases.read(setting);
    if (keyword === "ssl-load-extra-del-ext") {
      this.sideFiles = { ...this.sideFiles, replacesCrt: true };
    }
    if (keyword === "ssl-load-extra-files") {
      const extensions = words.flatMap((word) =>
        word === "all" ? ALL_SIDE_FILES : SIDE_FILES.get(word) ?? []
      );
      this.sideFiles = { ...this.sideFiles, extensions };
    }
  }

  #readOptions(words: readonly string[]): void {
    const from = OPTION_LINES.get(words[0]!);
    if (from !== undefined) this.#addPairs(words, { from, options: OPTIONS });
  }

  #readWholeLine(words: readonly string[]): void {
    const found = WHOLE_LINES.get(words[0]!);
    if (found !== undefined) this.#add({ keyword: words[0]!, word: found.word }, words, found);
  }

  #readAnswer(words: readonly string[]): void {
    const actions = ANSWERING.get(words[0]!);
    if (actions === undefined || !(actions?.includes(words[1]!) ?? true)) return;
    for (let at = actions === null ? 1 : 2; at < words.length; at++) {
      const word = words[at]!;
      if (word === "if" || word === "unless") return;
      if (ANSWER_FILES.includes(word)) this.#add({ keyword: word, word: ++at }, words, OTHER);
      else at += ANSWER_WORDS.get(word) ?? 0;
    }
  }

  #readFilter(words: readonly string[]): void {
    if (!FILTERS.includes(words[1] ?? "")) return;
    const at = words.findIndex((word, index) => word === "config" && index > 1 && index % 2 === 0);
    if (at >= 0) this.#add({ keyword: "config", word: at + 1 }, words, OTHER);
  }

  #readPatterns(words: readonly string[]): void {
    if (words[0] === "acl") this.#readFlags(words, 3);
    for (let at = 1; at < words.length; at++) {
      const word = words[at]!;
      if (word === "{" || word === "!{") this.#readFlags(words, at + 2);
      else if (word.includes(",")) this.#readConverters(word, at);
    }
    this.#readReference(words[1] ?? "");
  }

  #readFlags(words: readonly string[], start: number): void {
    for (let at = start; at < words.length; at++) {
      const word = words[at]!;
      const count = ACL_FLAGS.get(word);
      if (count === undefined) return;
      if (word === "-f") this.#addPattern({ keyword: word, word: at + 1 }, words[at + 1], "acl");
      at += count;
    }
  }

  #readConverters(word: string, at: number): void {
    for (const { keyword, file, place } of findConverters(word)) {
      const spot = { keyword, word: at, place };
      if (keyword === "jwt_verify") this.#addWritten(spot, file, OTHER);
      else this.#addPattern(spot, file, "map");
    }
  }

  #readReference(action: string): void {
    if (this.#onNaming === undefined) return;
    const [, head = "", kind, file] = REFERENCE.exec(action) ?? [];
    if (file === undefined) return;
    const place = { offset: head.length, length: file.length };
    const naming = { word: 1, place, role: kind === "acl" ? "acl" : "map" } as const;
    this.#tell({ ...naming, path: this.#resolved(file), isReference: true });
  }

  #addPairs(
    words: readonly string[],
    { from, options }: { readonly from: number; readonly options: ReadonlyMap<string, Rule> },
  ): void {
    for (let at = from; at < words.length; at++) {
      const keyword = words[at]!;
      const found = options.get(keyword);
      if (found !== undefined) this.#add({ keyword, word: ++at }, words, found);
    }
  }

  #addPattern(spot: Spot, written: string | undefined, role: "map" | "acl"): void {
    if (written === undefined || written.startsWith("virt@")) return;
    const [prefix = ""] = PREFIX.exec(written) ?? [];
    this.#addWritten({ ...spot, prefix }, written.slice(prefix.length), rule(role));
  }

  #add(spot: Spot, words: readonly string[], rule: Rule): void {
    const written = words[spot.word];
    if (written !== undefined) this.#addWritten(spot, written, rule);
  }

  #addWritten(spot: Spot, written: string, { role, base }: Rule): void {
    if ((role === "certificate" || role === "ca") && !isOwnFile(written)) return;
    const name = this.#joined(written, base);
    if (role === "certificate") this.#addCertificate(spot, name);
    else if (written !== "") this.#put(spot, { ...this.#place(spot.keyword, name), role });
  }

  #addCertificate(
    spot: Spot,
    joined: string,
    { alias = null, ...more }: {
      readonly name?: string;
      readonly keyPath: string | null;
      readonly alias?: string | null;
    } = { keyPath: null },
  ): void {
    // It may be a directory, of which HAProxy takes the slashes at the end off.
    const name = joined.replace(/(?<=.)\/+$/, "");
    const named = { ...this.#place(spot.keyword, name), role: "certificate", ...more } as const;
    this.#put(spot, named, alias);
  }

  #place(keyword: string, name: string): Omit<NamedFile, "role"> {
    const path = this.#resolved(name);
    return { path, name, keyPath: null, keyword, file: this.file, line: this.#line };
  }

  #put(spot: Spot, named: NamedFile, alias: string | null = null): void {
    const { role, path } = named;
    if (this.#onNaming !== undefined) this.#tell({ ...spot, role, path, alias });
    const identity = [path, role, named.name].join("\0");
    if (this.found.size >= MOST_NAMED || this.found.has(identity)) return;
    if (isWatchable(path)) this.found.set(identity, named);
  }

  #tell(
    { word, role, path, place = null, prefix = "", alias = null, isReference = false }:
      & Pick<Naming, "word" | "role" | "path">
      & Partial<Naming>,
  ): void {
    const where = { file: this.file, line: this.#line, word, place };
    this.#onNaming?.({ ...where, prefix, role, path, alias, isReference });
  }

  #joined(written: string, base: Base): string {
    return this.#bases.join(written, base, this.#store);
  }

  #resolved(name: string): string {
    return this.#bases.resolve(name);
  }
}

/** Each takes about a kilobyte while it is followed. What more is named is not found. */
export const MOST_NAMED = 20_000;

/** Where a name stands. */
interface Spot {
  readonly keyword: string;
  readonly word: number;
  readonly place?: Place | null;
  readonly prefix?: string;
}

const PREFIX = /^(?:opt|file)@/;

/** What changes or asks a map or an ACL by the name of its file. */
const REFERENCE = /^((?:set|del|add)-(map|acl)\()([^)]+)\)$/;

const STORE_LINES: readonly string[] = ["crt-base", "key-base", "load"];

const isWatchable = (path: string) =>
  !/^\/(?:dev|proc|sys)(?:\/|$)/.test(path) && !path.includes("%[");

/** `@store/name` and `@system-ca` are loaded from elsewhere. */
const isOwnFile = (written: string) => written !== "" && !written.startsWith("@");

/** `null`: by its path. An absolute path stands behind the store without a slash of its own. */
function storeName(store: string, alias: string | undefined, crt: string): string | null {
  if (alias !== undefined) return `@${store}/${alias}`;
  if (store === "") return null;
  return crt.startsWith("/") ? `@${store}${crt}` : `@${store}/${crt}`;
}
