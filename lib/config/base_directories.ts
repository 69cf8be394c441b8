/** Knows where relative names start, by what the lines so far have said. Pure. */
import { dirname, resolve } from "@std/path";
import type { Bases } from "./file_reference.ts";
import type { Base } from "./file_keywords.ts";

/** What a `crt-store` has said itself. */
export type StoreBases = Readonly<Record<"crt" | "key", string | null>>;

export class NameBases {
  readonly #workingDirectory: string;
  #current: Bases;
  #defaultPath: readonly string[] = ["current"];
  #file = "";
  /** By name, for the present directory. */
  readonly #paths = new Map<string, string>();

  constructor(bases: Bases) {
    this.#workingDirectory = bases.directory;
    this.#current = bases;
  }

  get current(): Bases {
    return this.#current;
  }

  enterFile(path: string): void {
    this.#file = path;
    this.#moveTo(this.#defaultPath);
  }

  read([keyword, ...words]: readonly string[]): void {
    const value = words[0] ?? null;
    if (keyword === "crt-base") this.#current = { ...this.#current, crt: value };
    if (keyword === "key-base") this.#current = { ...this.#current, key: value };
    if (keyword === "ca-base") this.#current = { ...this.#current, ca: value };
    if (keyword === "default-path") this.#moveTo(words);
  }

  /**
   * As HAProxy joins them: a slash too many stays, and is part of the name. A `crt-store` without a base
   * of its own has the global one (HAProxy 3.0, unlike its manual).
   */
  join(written: string, base: Base, store: StoreBases | null): string {
    if (base === null || written.startsWith("/")) return written;
    const own = base === "ca" ? null : store?.[base];
    const directory = own ?? this.#current[base];
    return directory === null ? written : `${directory}/${written}`;
  }

  /** Large configurations name the same few files again and again. */
  resolve(name: string): string {
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const path = resolve(this.#current.directory, name);
    this.#paths.set(name, path);
    return path;
  }

  #moveTo(policy: readonly string[]): void {
    this.#defaultPath = policy;
    this.#paths.clear();
    this.#current = { ...this.#current, directory: this.#directoryOf(policy) };
  }

  #directoryOf([policy, origin = "."]: readonly string[]): string {
    if (policy === "config") return dirname(this.#file);
    if (policy === "parent") return resolve(dirname(this.#file), "..");
    return policy === "origin" ? resolve(this.#workingDirectory, origin) : this.#workingDirectory;
  }
}
