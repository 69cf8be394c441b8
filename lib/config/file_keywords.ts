/** The keywords that name files, as data. */

export type FileRole =
  | "certificate"
  | "certificate_list"
  | "ca"
  | "crl"
  | "map"
  | "acl"
  | "ticket_keys"
  | "other";

export type Base = "crt" | "key" | "ca" | null;

export interface Rule {
  readonly role: FileRole;
  readonly base: Base;
}

export const rule = (role: FileRole, base: Base = null): Rule => ({ role, base });
export const OTHER = rule("other");

/** The index of the word at which a line's options begin. */
export const OPTION_LINES: ReadonlyMap<string, number> = new Map(Object.entries({
  "bind": 2,
  "default-bind": 1,
  "server": 3,
  "default-server": 1,
  "server-template": 4,
  "peer": 3,
  "ssl-f-use": 1,
}));

/** Options whose next word is a path. A `crt-list` has no base, but the certificates in it do. */
export const OPTIONS: ReadonlyMap<string, Rule> = new Map(Object.entries({
  "crt": rule("certificate", "crt"),
  "default-crt": rule("certificate", "crt"),
  "crt-list": rule("certificate_list"),
  "ca-file": rule("ca", "ca"),
  "ca-verify-file": rule("ca", "ca"),
  "ca-sign-file": rule("other", "ca"),
  "crl-file": rule("crl", "ca"),
  "tls-ticket-keys": rule("ticket_keys"),
  "ech": OTHER,
}));

/** Options of a certificate, on a `load` line and in a certificate list. */
export const CERTIFICATE_OPTIONS: ReadonlyMap<string, Rule> = new Map(Object.entries({
  "key": rule("other", "key"),
  "ocsp": rule("other", "crt"),
  "issuer": rule("other", "crt"),
  "sctl": rule("other", "crt"),
}));

export const LISTED_OPTIONS: ReadonlyMap<string, Rule> = new Map([
  ...CERTIFICATE_OPTIONS,
  ...["ca-file", "ca-verify-file", "crl-file"].map((name) => [name, OPTIONS.get(name)!] as const),
]);

/** Lines with one word that is a path. */
export const WHOLE_LINES: ReadonlyMap<string, Rule & { readonly word: number }> = new Map(
  Object.entries({
    "ssl-dh-param-file": { ...OTHER, word: 1 },
    "issuers-chain-path": { ...OTHER, word: 1 },
    "lua-load": { ...OTHER, word: 1 },
    "lua-load-per-thread": { ...OTHER, word: 1 },
    "h1-case-adjust-file": { ...OTHER, word: 1 },
    "httpclient.ssl.ca-file": { ...rule("ca"), word: 1 },
    "51degrees-data-file": { ...OTHER, word: 1 },
    "deviceatlas-json-file": { ...OTHER, word: 1 },
    "wurfl-data-file": { ...OTHER, word: 1 },
    "wurfl-patch-file": { ...OTHER, word: 1 },
    "errorfile": { ...OTHER, word: 2 },
  }),
);

/** Lines that may answer with a file, and the actions that do; `null`: the line itself does. */
export const ANSWERING: ReadonlyMap<string, readonly string[] | null> = new Map(Object.entries({
  "http-request": ["return", "deny", "tarpit"],
  "http-response": ["return", "deny"],
  "http-after-response": ["return", "deny"],
  "http-error": null,
}));
export const ANSWER_FILES: readonly string[] = ["errorfile", "file", "lf-file"];
/** Other options of an answer, and how many words follow each. */
export const ANSWER_WORDS: ReadonlyMap<string, number> = new Map(Object.entries({
  "status": 1,
  "deny_status": 1,
  "content-type": 1,
  "string": 1,
  "lf-string": 1,
  "errorfiles": 1,
  "hdr": 2,
}));

export const FILTERS: readonly string[] = ["spoe", "opentracing", "ot"];

/** The flags in front of an ACL's patterns, and how many words follow each. */
export const ACL_FLAGS: ReadonlyMap<string, number> = new Map(Object.entries({
  "-i": 0,
  "-n": 0,
  "-M": 0,
  "-m": 1,
  "-u": 1,
  "-f": 1,
}));

/** Matches every line that names a file or changes how later ones are read. Nobody writes a keyword as `cr"t"`. */
export const WANTED =
  /crt|file|load|-path|-base|map|jwt|ticket|filter|setenv|global|ocsp|-acl\(|-f\s|\sech\s/;
