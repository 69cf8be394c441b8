/** Tracks `crt-store` sections line by line: which lines are theirs, and what these say. Pure. */
import type { StoreBases } from "./base_directories.ts";

interface Store {
  /** Empty for the unnamed store. */
  readonly name: string;
  crt: string | null;
  key: string | null;
}

/** The certificate that a `load` line names. */
export interface Load {
  /** Its file as written. */
  readonly crt: string;
  /** The index of that word. */
  readonly word: number;
  /** The file of its key as written; `null` without one. */
  readonly key: string | null;
  /** HAProxy's name for it; `null`: the path of its file. */
  readonly name: string | null;
  /** The store's name for it, if that is the path of its file as written; otherwise `null`. */
  readonly alias: string | null;
}

export class CrtStores {
  #current: Store | null = null;

  /** Of the section to which the last line belongs; `null` if that is another. */
  get bases(): StoreBases | null {
    return this.#current;
  }

  leave(): void {
    this.#current = null;
  }

  /**
   * Whether the line belongs to one. A `crt-store` ends at the first line that cannot belong to it, so no list of other
   * sections is needed.
   */
  read(words: readonly string[]): boolean {
    const [keyword = "", value = null] = words;
    if (keyword === "crt-store") this.#current = { name: value ?? "", crt: null, key: null };
    else if (!STORE_LINES.includes(keyword) && !keyword.startsWith(".")) this.#current = null;
    if (this.#current === null) return false;
    if (keyword === "crt-base") this.#current.crt = value;
    if (keyword === "key-base") this.#current.key = value;
    return true;
  }

  /** `null` if the `load` line of the current section names none. */
  readLoad(words: readonly string[]): Load | null {
    const options = new Map<string, { readonly value: string; readonly word: number }>();
    for (let index = 1; index + 1 < words.length; index += 2) {
      options.set(words[index]!, { value: words[index + 1]!, word: index + 1 });
    }
    const crt = options.get("crt");
    if (crt === undefined) return null;
    const key = options.get("key")?.value ?? null;
    const given = options.get("alias")?.value ?? null;
    const name = nameIn(this.#current!, crt.value, given);
    const alias = name === null || given !== null ? null : crt.value.replace(/^\//, "");
    return { crt: crt.value, word: crt.word, key, name, alias };
  }
}

const STORE_LINES: readonly string[] = ["crt-base", "key-base", "load"];

/** An absolute path follows the store's name directly. */
function nameIn({ name }: Store, crt: string, alias: string | null): string | null {
  if (alias !== null) return `@${name}/${alias}`;
  if (name === "") return null;
  return crt.startsWith("/") ? `@${name}${crt}` : `@${name}/${crt}`;
}
