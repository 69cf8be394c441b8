/** Finds the words of a line that name files, by what the lines above have said. Pure. */
import type { Span } from "./tokens.ts";
import { findConverters } from "./converters.ts";
import { BaseDirectories, type Bases } from "./base_directories.ts";
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

/** Goes through the lines of all files of one HAProxy, in their order. */
export class ReferenceFinder {
  sideFiles: SideFileRule = DEFAULT_RULE;
  file = "";
  readonly #onReference: (reference: FileReference) => void;
  readonly #bases: BaseDirectories;
  #store: Store | null = null;
  #line = 0;

  constructor(bases: Bases, onReference: (reference: FileReference) => void) {
    this.#bases = new BaseDirectories(bases);
    this.#onReference = onReference;
  }

  get bases(): Bases {
    return this.#bases.current;
  }

  enterFile(path: string): void {
    this.file = path;
    this.#store = null;
    this.#bases.enterFile(path);
  }

  readonly readLine = (words: readonly string[], line: number): void => {
    this.#line = line;
    if (this.#isOfStore(words)) return this.#readStoreLine(words);
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
    this.#line = line;
    const key = words.indexOf("key", 1) + 1;
    const keyPath = key > 0 ? this.#keyPath(words[key] ?? "") : null;
    const path = words[0]!;
    if (isOwnFile(path)) {
      this.#tellCertificate({ keyword: "crt", word: 0 }, this.#joined(path, "crt"), { keyPath });
    }
    this.#readPairs(words, 1, LISTED_OPTIONS);
  }

  /** A `crt-store` ends with the first line that cannot be its own, so that no other section is listed. */
  #isOfStore(words: readonly string[]): boolean {
    const keyword = words[0]!;
    if (keyword === "crt-store") this.#store = { name: words[1] ?? "", crt: null, key: null };
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
    const [crt, key] = [options.get("crt"), options.get("key")];
    if (crt !== undefined) {
      const joined = this.#joined(crt.value, "crt");
      const alias = options.get("alias")?.value;
      const own = storeName(this.#store!.name, alias, crt.value);
      this.#tellCertificate({ keyword: "load", word: crt.word }, joined, {
        name: own ?? joined,
        keyPath: key === undefined ? null : this.#keyPath(key.value),
        alias: own === null || alias !== undefined ? null : crt.value.replace(/^\//, ""),
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
    for (let at = actions === null ? 1 : 2; at < words.length; at++) {
      const word = words[at]!;
      if (word === "if" || word === "unless") return;
      if (ANSWER_FILES.includes(word)) this.#readWord({ keyword: word, word: ++at }, words, OTHER);
      else at += ANSWER_WORDS.get(word) ?? 0;
    }
  }

  #readFilter(words: readonly string[]): void {
    if (words[0] !== "filter" || !FILTERS.includes(words[1] ?? "")) return;
    const at = words.findIndex((word, index) => word === "config" && index > 1 && index % 2 === 0);
    if (at >= 0) this.#readWord({ keyword: "config", word: at + 1 }, words, OTHER);
  }

  #readPatterns(words: readonly string[]): void {
    if (words[0] === "acl") this.#readFlags(words, 3);
    for (let at = 1; at < words.length; at++) {
      const word = words[at]!;
      if (word === "{" || word === "!{") this.#readFlags(words, at + 2);
      else if (word.includes(",")) this.#readConverters(word, at);
    }
  }

  #readFlags(words: readonly string[], start: number): void {
    for (let at = start; at < words.length; at++) {
      const word = words[at]!;
      const count = ACL_FLAGS.get(word);
      if (count === undefined) return;
      if (word === "-f") this.#tellPatterns({ keyword: word, word: at + 1 }, words[at + 1], "acl");
      at += count;
    }
  }

  #readConverters(word: string, at: number): void {
    for (const { keyword, file, span } of findConverters(word)) {
      const spot = { keyword, word: at, span };
      if (keyword === "jwt_verify") this.#tellWritten(spot, file, OTHER);
      else this.#tellPatterns(spot, file, "map");
    }
  }

  #readAction(action: string): void {
    const [, head = "", keyword = "", kind, file] = ACTION.exec(action) ?? [];
    if (file === undefined) return;
    const span = { offset: head.length, length: file.length };
    const role = kind === "acl" ? "acl" : "map";
    this.#tell({ keyword, word: 1, span }, { role, name: file, loads: false });
  }

  #readPairs(
    words: readonly string[],
    from: number,
    options: ReadonlyMap<string, Rule>,
  ): void {
    for (let at = from; at < words.length; at++) {
      const keyword = words[at]!;
      const found = options.get(keyword);
      if (found !== undefined) this.#readWord({ keyword, word: ++at }, words, found);
    }
  }

  #readWord(spot: Spot, words: readonly string[], rule: Rule): void {
    const written = words[spot.word];
    if (written !== undefined) this.#tellWritten(spot, written, rule);
  }

  #tellPatterns(spot: Spot, written: string | undefined, role: "map" | "acl"): void {
    if (written === undefined || written.startsWith("virt@")) return;
    const [prefix = ""] = PREFIX.exec(written) ?? [];
    this.#tellWritten({ ...spot, prefix }, written.slice(prefix.length), rule(role));
  }

  #tellWritten(spot: Spot, written: string, { role, base }: Rule): void {
    if ((role === "certificate" || role === "ca") && !isOwnFile(written)) return;
    const name = this.#joined(written, base);
    if (role === "certificate") this.#tellCertificate(spot, name);
    else if (written !== "") this.#tell(spot, { role, name });
  }

  /** The name may be a directory's, of which HAProxy takes the slashes at the end off. */
  #tellCertificate(spot: Spot, joined: string, more: Partial<FileReference> = {}): void {
    const name = joined.replace(/(?<=.)\/+$/, "");
    this.#tell(spot, { role: "certificate", name, path: this.#bases.resolve(name), ...more });
  }

  #tell(spot: Spot, { role, name, ...more }: Told): void {
    const { path = this.#bases.resolve(name), keyPath = null, alias = null, loads = true } = more;
    const { keyword, word, span = null, prefix = "" } = spot;
    const where = { file: this.file, line: this.#line, word, span };
    this.#onReference({ path, name, role, keyPath, keyword, ...where, prefix, alias, loads });
  }

  #joined(written: string, base: Base): string {
    return this.#bases.join(written, base, this.#store);
  }

  #keyPath(written: string): string {
    return this.#bases.resolve(this.#joined(written, "key"));
  }
}

type Told = Pick<FileReference, "role" | "name"> & Partial<FileReference>;

interface Store {
  /** Empty for the unnamed one. */
  readonly name: string;
  crt: string | null;
  key: string | null;
}

/** Where a name stands in its line. */
interface Spot {
  readonly keyword: string;
  readonly word: number;
  readonly span?: Span | null;
  readonly prefix?: string;
}

const PREFIX = /^(?:opt|file)@/;

/** What changes or asks a map or an ACL by the name of its file. */
const ACTION = /^(((?:set|del|add)-(map|acl))\()([^)]+)\)$/;

const STORE_LINES: readonly string[] = ["crt-base", "key-base", "load"];

/** `@store/name` and `@system-ca` are loaded from elsewhere. */
const isOwnFile = (written: string) => written !== "" && !written.startsWith("@");

/** `null`: its path is its name. An absolute path stands behind the store without a slash of its own. */
function storeName(store: string, alias: string | undefined, crt: string): string | null {
  if (alias !== undefined) return `@${store}/${alias}`;
  if (store === "") return null;
  return crt.startsWith("/") ? `@${store}${crt}` : `@${store}/${crt}`;
}
