/** Reads the words of a `server` line if it is certain what each means. Pure. */
import { isQuoted, wordsOf } from "./server_lines.ts";

export interface Server {
  readonly name: string;
  /** As it is written. */
  readonly address: string;
  /** What `default-server` lines above give it, then its own. */
  readonly options: readonly Option[];
}

/** A word with the values that belong to it. */
export type Option = readonly [keyword: string, ...values: readonly string[]];

/** `null` where a word is not known, or a quote or a variable may stand for others. */
export function readServer(line: string, defaults: readonly Option[]): Server | null {
  const [keyword, name, address, ...words] = plainWords(line) ?? [];
  const options = readOptions(words);
  if (keyword !== "server" || name === undefined || address === undefined || options === null) {
    return null;
  }
  return { name, address, options: [...defaults, ...options] };
}

/** The options of a `default-server` line; `null` as above. */
export function readDefaults(line: string): readonly Option[] | null {
  const words = plainWords(line);
  return words === null ? null : readOptions(words.slice(1));
}

/** What can be changed in a running server. */
export interface Values {
  readonly weight: number;
  /** 0: no limit. */
  readonly maxconn: number;
  readonly isDisabled: boolean;
}

/** `null` where HAProxy would refuse a value, or read it differently. */
export function valuesOf({ options }: Server): Values | null {
  const values = { weight: 1, maxconn: 0, isDisabled: false };
  for (const [keyword, value = ""] of options) {
    if (keyword === "disabled" || keyword === "enabled") values.isDisabled = keyword === "disabled";
    if (keyword !== "weight" && keyword !== "maxconn") continue;
    if (!/^(?:0|[1-9]\d{0,5})$/.test(value)) return null;
    values[keyword] = Number(value);
  }
  return values.weight > MOST_WEIGHT ? null : values;
}

/** The options that cannot be changed in a running server. */
export const fixedOptions = ({ options }: Server): readonly Option[] =>
  options.filter(([keyword]) => !CHANGEABLE.has(keyword));

const CHANGEABLE: ReadonlySet<string> = new Set(["weight", "maxconn", "disabled", "enabled"]);
const MOST_WEIGHT = 256;

export interface Address {
  /** As HAProxy shows it. */
  readonly ip: string;
  readonly port: number;
}

/** An address that needs no lookup; `null` for any other. */
export function literalAddress(word: string): Address | null {
  const [, v4, v6, digits] =
    /^(?:(\d+(?:\.\d+){3})|\[([0-9A-Fa-f:.]+)\]):([1-9]\d{0,4})$/.exec(word) ??
      [];
  const ip = v4 === undefined ? canonical(`[${v6}]`)?.slice(1, -1) : canonical(v4);
  if (digits === undefined || Number(digits) > 65_535) return null;
  // 0.0.0.0 and :: stand for the address that the client has connected to.
  return ip === undefined || (v4 !== undefined && ip !== v4) || /^[0.:]+$/.test(ip)
    ? null
    : { ip, port: Number(digits) };
}

function canonical(host: string): string | undefined {
  const url = URL.parse(`http://${host}`);
  return url === null ? undefined : url.hostname;
}

/** Within quotes and after a backslash a word can be anything. */
function plainWords(line: string): readonly string[] | null {
  return isQuoted(line) ? null : wordsOf(line);
}

function readOptions(words: readonly string[]): readonly Option[] | null {
  const options: Option[] = [];
  for (let at = 0; at < words.length;) {
    const keyword = words[at]!;
    const count = FLAGS.has(keyword) ? 0 : VALUED.has(keyword) ? 1 : null;
    if (count === null || at + count >= words.length) return null;
    options.push([keyword, ...words.slice(at + 1, at + 1 + count)]);
    at += 1 + count;
  }
  return options;
}

/** Words that stand alone. */
const FLAGS: ReadonlySet<string> = new Set([
  ...["agent-check", "allow-0rtt", "backup", "check", "check-send-proxy", "check-ssl", "disabled"],
  ...["enabled", "no-agent-check", "no-backup", "no-check", "no-check-send-proxy", "no-check-ssl"],
  ...["no-send-proxy", "no-send-proxy-v2", "no-ssl", "no-ssl-reuse", "no-sslv3", "no-tls-tickets"],
  ...["no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "no-verifyhost", "non-stick"],
  ...["send-proxy", "send-proxy-v2", "ssl", "ssl-reuse", "stick", "tfo", "tls-tickets"],
]);

/** Words with one value. */
const VALUED: ReadonlySet<string> = new Set([
  ...["addr", "agent-addr", "agent-inter", "agent-port", "alpn", "ca-file", "check-alpn"],
  ...["check-proto", "check-sni", "ciphers", "ciphersuites", "cookie", "crl-file", "crt", "curves"],
  ...["downinter", "error-limit", "fall", "fastinter", "hash-key", "id", "init-addr", "inter"],
  ...["max-reuse", "maxconn", "maxqueue", "minconn", "observe", "on-error", "on-marked-down"],
  ...["on-marked-up", "pool-low-conn", "pool-max-conn", "pool-purge-delay", "port", "proto"],
  ...["resolve-net", "resolve-opts", "resolve-prefer", "resolvers", "rise", "sigalgs"],
  ...["slowstart", "sni", "ssl-max-ver", "ssl-min-ver", "tcp-ut", "track", "verify", "verifyhost"],
  ...["weight", "ws"],
]);
