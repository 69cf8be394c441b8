/** What a configuration names, as data. */
import type { Place } from "./tokens.ts";
import type { Role } from "./file_keywords.ts";

/** A file, or a directory of which every member counts. */
export interface NamedFile {
  /** Absolute. */
  readonly path: string;
  /** What HAProxy's Runtime API calls it, where that knows it. */
  readonly name: string;
  readonly role: Role;
  /** The `key` of a `load` line or of a line in a certificate list, absolute; `null` without one. */
  readonly keyPath: string | null;
  /** What names it: `crt`, `errorfile`, `map_str`, `-f` and so on; `load` for the certificate of a `crt-store`. */
  readonly keyword: string;
  /** Where it is named. */
  readonly file: string;
  readonly line: number;
}

/** A word that names a file, or by its file a map or an ACL: each of them, while a `NamedFile` is found once. */
export interface Naming {
  readonly file: string;
  readonly line: number;
  /** Its index among the words of its line. */
  readonly word: number;
  /** The part of the word that names it; `null`: all of it. */
  readonly place: Place | null;
  readonly role: Role;
  /** What stands in front of the path: `opt@`, `file@` or nothing. */
  readonly prefix: string;
  /** Absolute. */
  readonly path: string;
  /** The name that HAProxy gives a certificate of a `crt-store` by how its path is written; `null`: no such. */
  readonly alias: string | null;
  /** Whether it loads nothing, but means what something else loads by just that name. */
  readonly isReference: boolean;
}

/** Files that HAProxy looks for beside each certificate that no `crt-store` loads. */
export interface SideFileRule {
  readonly extensions: readonly string[];
  /** Whether they stand in place of the extension `.crt`, not behind it; the bundles always behind. */
  readonly replacesCrt: boolean;
}

/** Where relative names start. */
export interface Bases {
  readonly crt: string | null;
  readonly key: string | null;
  readonly ca: string | null;
  /** Absolute: where what has no base starts, and a base that is relative itself. */
  readonly directory: string;
}
