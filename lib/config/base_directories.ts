/** Tracks where relative names start, line by line. Pure. */
import { dirname, resolve } from "@std/path";
import type { Base } from "./file_keywords.ts";

/** Where relative names start. */
export interface Bases {
  readonly crt: string | null;
  readonly key: string | null;
  readonly ca: string | null;
  /** Absolute: for names without a base, and for relative bases. */
  readonly directory: string;
}

/** The bases that a `crt-store` sets for itself. */
export type StoreBases = Readonly<Record<"crt" | "key", string | null>>;

export class BaseDirectories {
  readonly #workingDirectory: string;
  #current: Bases;
  #defaultPath: readonly string[] = ["current"];
  #file = "";
  /** By name, for the current directory: large configurations name the same few files over and over. */
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

  read(line: readonly string[]): void {
    const [keyword, value = null] = line;
    if (keyword === "crt-base") this.#current = { ...this.#current, crt: value };
    if (keyword === "key-base") this.#current = { ...this.#current, key: value };
    if (keyword === "ca-base") this.#current = { ...this.#current, ca: value };
    if (keyword === "default-path") this.#moveTo(line.slice(1));
  }

  /**
   * Joins as HAProxy does: an extra slash stays part of the name. A `crt-store` without a base of its own
   * uses the global one (HAProxy 3.0, unlike its manual).
   */
  join(written: string, base: Base, store: StoreBases | null): string {
    if (base === null || written.startsWith("/")) return written;
    const own = base === "ca" ? null : store?.[base];
    const directory = own ?? this.#current[base];
    return directory === null ? written : `${directory}/${written}`;
  }

  resolve(name: string): string {
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const path = resolve(this.#current.directory, name);
    this.#paths.set(name, path);
    return path;
  }

  /** The same, but where the kernel finds it, which follows a link before `..`. */
  resolveAsKernel(name: string): string {
    const path = name.startsWith("/") ? name : `${this.#current.directory}/${name}`;
    return path.split("/").includes("..") ? path : this.resolve(name);
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
