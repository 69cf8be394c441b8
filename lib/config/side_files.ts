/** The files that HAProxy looks for beside each certificate outside a `crt-store`. Pure. */

export interface SideFileRule {
  readonly extensions: readonly string[];
  /** `ssl-load-extra-del-ext`: their extensions replace `.crt` rather than follow it. */
  readonly replacesCrt: boolean;
}

const BUNDLES: readonly string[] = [".rsa", ".dsa", ".ecdsa"];

/** By the words of `ssl-load-extra-files`. */
const EXTENSIONS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({
  "none": [],
  "key": [".key"],
  "ocsp": [".ocsp"],
  "sctl": [".sctl"],
  "issuer": [".issuer"],
  "bundle": BUNDLES,
}));
const ALL = [...EXTENSIONS.values()].flat();

export const DEFAULT_RULE: SideFileRule = { extensions: ALL, replacesCrt: false };

/** The rule after a line of a `global` section. */
export function ruleAfter(rule: SideFileRule, line: readonly string[]): SideFileRule {
  switch (line[0]) {
    case "ssl-load-extra-del-ext":
      return { ...rule, replacesCrt: true };
    case "ssl-load-extra-files":
      return { ...rule, extensions: line.slice(1).flatMap(extensionsOf) };
    default:
      return rule;
  }
}

const extensionsOf = (word: string) => word === "all" ? ALL : EXTENSIONS.get(word) ?? [];

/** The side files of a certificate, whether they exist or not. */
export const sideFilesOf = (path: string, rule: SideFileRule): string[] =>
  rule.extensions.map((ext) => (BUNDLES.includes(ext) ? path : stemOf(path, rule)) + ext);

/** Where HAProxy looks for the key of a certificate file that holds none. */
export const keyBeside = (path: string, rule: Pick<SideFileRule, "replacesCrt">): string =>
  `${stemOf(path, rule)}.key`;

/** The certificates that together stand for `path` if there is no such file. */
export const bundleOf = (path: string): string[] => BUNDLES.map((ext) => path + ext);

/** Whether HAProxy may take the certificate for one of several under one name. */
export const isBundled = (path: string): boolean => BUNDLES.some((ext) => path.endsWith(ext));

/** Those of them that are given together with the certificate, its issuer first. */
export const givenBeside = (path: string): readonly [issuer: string, ocsp: string] => [
  `${path}.issuer`,
  `${path}.ocsp`,
];

/** The files that HAProxy 2.6 to 3.4 forgets when it gets another certificate, under either rule. */
export const forgottenBeside = (path: string): string[] =>
  [path, path.replace(/\.crt$/, "")].flatMap((stem) =>
    [".ocsp", ".sctl", ".issuer"].map((ext) => stem + ext)
  );

/** The certificates that a side file may belong to, under either rule; `null` if its name is not a side file's. */
export function ownersOf(path: string): readonly string[] | null {
  const stem = /^(.*)\.(?:key|ocsp|sctl|issuer)$/s.exec(path)?.[1];
  return stem === undefined ? null : [stem, `${stem}.crt`];
}

const stemOf = (path: string, { replacesCrt }: Pick<SideFileRule, "replacesCrt">) =>
  replacesCrt ? path.replace(/\.crt$/, "") : path;
