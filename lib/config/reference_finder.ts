/** Finds the words in a line that name files, given the lines above it. Pure. */
import type { Span } from "./tokens.ts";
import { findConverters } from "./converters.ts";
import { BaseDirectories, type Bases } from "./base_directories.ts";
import { CrtStores } from "./crt_stores.ts";
import type { FileReference } from "./file_references.ts";
import {
  ACL_FLAGS,
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
  WHOLE_LINES,
} from "./file_keywords.ts";
import { DEFAULT_RULE, ruleAfter, type SideFileRule } from "./side_files.ts";

/** Reads the lines of all files of one HAProxy, in order. */
export class ReferenceFinder {
  sideFiles: SideFileRule = DEFAULT_RULE;
  file = "";
  readonly #onReference: (reference: FileReference) => void;
  readonly #bases: BaseDirectories;
  readonly #stores = new CrtStores();
  #line = 0;
  #isObtained = false;

  constructor(bases: Bases, onReference: (reference: FileReference) => void) {
    this.#bases = new BaseDirectories(bases);
    this.#onReference = onReference;
  }

  get bases(): Bases {
    return this.#bases.current;
  }

  enterFile(path: string): void {
    this.file = path;
    this.#stores.leave();
    this.#bases.enterFile(path);
  }

  readonly readLine = (words: readonly string[], line: number): void => {
    this.#enterLine(words, line);
    if (this.#stores.read(words)) {
      if (words[0] === "load") this.#readLoad(words);
      return;
    }
    this.#bases.read(words);
    this.sideFiles = ruleAfter(this.sideFiles, words);
    this.#readOptions(words);
    this.#readWholeLine(words);
    this.#readAnswer(words);
    this.#readFilter(words);
    this.#readPatterns(words);
    this.#readAction(words[1] ?? "");
  };

  readListed(words: readonly string[], line: number): void {
    this.#enterLine(words, line);
    const key = words.indexOf("key", 1) + 1;
    const keyPath = key > 0 ? this.#keyPath(words[key] ?? "") : null;
    const path = words[0]!;
    if (isOwnFile(path)) {
      this.#reportCertificate({ keyword: "crt", word: 0 }, this.#joined(path, "crt"), { keyPath });
    }
    this.#readPairs(words, 1, LISTED_OPTIONS);
  }

  /** A file of that name is harmless: HAProxy does not list it among what it obtains. */
  #enterLine(words: readonly string[], line: number): void {
    this.#line = line;
    this.#isObtained = words.includes("acme", 1);
  }

  #readLoad(words: readonly string[]): void {
    const load = this.#stores.readLoad(words);
    if (load !== null) {
      const joined = this.#joined(load.crt, "crt");
      this.#reportCertificate({ keyword: "load", word: load.word }, joined, {
        name: load.name ?? joined,
        keyPath: load.key === null ? null : this.#keyPath(load.key),
        alias: load.alias,
      });
    }
    this.#readPairs(words, 1, CERTIFICATE_OPTIONS);
  }

  #readOptions(words: readonly string[]): void {
    const from = OPTION_LINES.get(words[0]!);
    if (from !== undefined) this.#readPairs(words, from, OPTIONS);
  }

  #readWholeLine(words: readonly string[]): void {
    const found = WHOLE_LINES.get(words[0]!);
    if (found !== undefined) this.#readWord({ keyword: words[0]!, word: found.word }, words, found);
  }

  #readAnswer(words: readonly string[]): void {
    const actions = ANSWERING.get(words[0]!);
    if (actions === undefined || !(actions?.includes(words[1]!) ?? true)) return;
    for (let index = actions === null ? 1 : 2; index < words.length; index++) {
      const word = words[index]!;
      if (word === "if" || word === "unless") return;
      if (ANSWER_FILES.includes(word)) {
        this.#readWord({ keyword: word, word: ++index }, words, OTHER);
      } else index += ANSWER_WORDS.get(word) ?? 0;
    }
  }

  #readFilter(words: readonly string[]): void {
    if (words[0] !== "filter" || !FILTERS.includes(words[1] ?? "")) return;
    const index = words.findIndex((word, place) =>
      word === "config" && place > 1 && place % 2 === 0
    );
    if (index >= 0) this.#readWord({ keyword: "config", word: index + 1 }, words, OTHER);
  }

  #readPatterns(words: readonly string[]): void {
    if (words[0] === "acl") this.#readFlags(words, 3);
    for (let index = 1; index < words.length; index++) {
      const word = words[index]!;
      if (word === "{" || word === "!{") this.#readFlags(words, index + 2);
      else if (word.includes(",")) this.#readConverters(word, index);
    }
  }

  #readFlags(words: readonly string[], start: number): void {
    for (let index = start; index < words.length; index++) {
      const word = words[index]!;
      const count = ACL_FLAGS.get(word);
      if (count === undefined) return;
      if (word === "-f") {
        this.#reportPatterns({ keyword: word, word: index + 1 }, words[index + 1], "acl");
      }
      index += count;
    }
  }

  #readConverters(word: string, index: number): void {
    for (const { keyword, file, span } of findConverters(word)) {
      const spot = { keyword, word: index, span };
      if (keyword === "jwt_verify") this.#reportWritten(spot, file, OTHER);
      else this.#reportPatterns(spot, file, "map");
    }
  }

  #readAction(action: string): void {
    const [, head = "", keyword = "", kind, file] = ACTION.exec(action) ?? [];
    if (file === undefined) return;
    const span = { offset: head.length, length: file.length };
    const role = kind === "acl" ? "acl" : "map";
    this.#report({ keyword, word: 1, span }, { role, name: file, loads: false });
  }

  #readPairs(
    words: readonly string[],
    from: number,
    options: ReadonlyMap<string, Rule>,
  ): void {
    for (let index = from; index < words.length; index++) {
      const keyword = words[index]!;
      const found = options.get(keyword);
      if (found !== undefined) this.#readWord({ keyword, word: ++index }, words, found);
    }
  }

  #readWord(spot: Spot, words: readonly string[], rule: Rule): void {
    const written = words[spot.word];
    if (written !== undefined) this.#reportWritten(spot, written, rule);
  }

  #reportPatterns(spot: Spot, written: string | undefined, role: "map" | "acl"): void {
    if (written === undefined || written.startsWith("virt@")) return;
    const [prefix = ""] = PREFIX.exec(written) ?? [];
    this.#reportWritten({ ...spot, prefix }, written.slice(prefix.length), rule(role));
  }

  #reportWritten(spot: Spot, written: string, { role, base }: Rule): void {
    if ((role === "certificate" || role === "ca") && !isOwnFile(written)) return;
    const name = this.#joined(written, base);
    if (role === "certificate") this.#reportCertificate(spot, name);
    else if (written !== "") this.#report(spot, { role, name });
  }

  /** The name may be a directory's: HAProxy drops its trailing slashes. */
  #reportCertificate(spot: Spot, joined: string, more: Partial<FileReference> = {}): void {
    const name = joined.replace(/(?<=.)\/+$/, "");
    this.#report(spot, { role: "certificate", name, path: this.#resolve(name), ...more });
  }

  #report(spot: Spot, { role, name, ...more }: Reported): void {
    const { path = this.#resolve(name), keyPath = null, alias = null, loads = true } = more;
    const { keyword, word, span = null, prefix = "" } = spot;
    const where = { file: this.file, line: this.#line, word, span };
    const isObtained = role === "certificate" && this.#isObtained;
    const how = { prefix, alias, isObtained, loads };
    this.#onReference({ path, name, role, keyPath, keyword, ...where, ...how });
  }

  #joined(written: string, base: Base): string {
    return this.#bases.join(written, base, this.#stores.bases);
  }

  #keyPath(written: string): string {
    return this.#resolve(this.#joined(written, "key"));
  }

  /** What HAProxy obtains is written there, not only read. */
  #resolve(name: string): string {
    return this.#isObtained ? this.#bases.resolveAsKernel(name) : this.#bases.resolve(name);
  }
}

type Reported = Pick<FileReference, "role" | "name"> & Partial<FileReference>;

/** Where a name stands in its line. */
interface Spot {
  readonly keyword: string;
  readonly word: number;
  readonly span?: Span | null;
  readonly prefix?: string;
}

const PREFIX = /^(?:opt|file)@/;

/** An action that changes a map or an ACL by the name of its file. */
const ACTION = /^(((?:set|del|add)-(map|acl))\()([^)]+)\)$/;

/** `@store/name` and `@system-ca` are loaded from elsewhere. */
const isOwnFile = (written: string) => written !== "" && !written.startsWith("@");
