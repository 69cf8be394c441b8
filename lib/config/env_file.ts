/** Reads the `KEY=value` lines that become part of HAProxy's environment. Pure. */
import { LOADER_VARIABLE } from "../settings/settings.ts";

export type EnvFile =
  | { readonly tag: "read"; readonly variables: Readonly<Record<string, string>> }
  | { readonly tag: "invalid"; readonly problems: readonly string[] };

/**
 * Skips blank lines and comments, drops a leading `export` and one pair of quotes around the value, and expands
 * nothing.
 */
export function parseEnvFile(text: string): EnvFile {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== "" && !line.startsWith("#"));
  const problems = lines.flatMap(problemOf);
  if (problems.length > 0) return { tag: "invalid", problems };
  const pairs = lines.map(({ line }) => PAIR.exec(line)!.slice(1) as [string, string]);
  return {
    tag: "read",
    variables: Object.fromEntries(pairs.map(([key, value]) => [key, unquoted(value)])),
  };
}

const PAIR = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/s;

function problemOf({ line, number }: { line: string; number: number }): string[] {
  const key = PAIR.exec(line)?.[1];
  // The log must not show the line, which may hold a secret.
  if (key === undefined) return [`line ${number} is not of the form KEY=value`];
  if (line.includes("\0")) return [`line ${number}: "${key}" holds a NUL character`];
  const refusal = REFUSALS.find(({ name }) => name.test(key));
  return refusal === undefined ? [] : [`line ${number}: "${key}" ${refusal.reason}`];
}

/**
 * The env file may decide what HAProxy is told, not which code it runs. The loader or a library reads each of
 * these.
 */
const REFUSALS: readonly { readonly name: RegExp; readonly reason: string }[] = [
  { name: /^PATH$/, reason: "decides which haproxy runs; set it for the wrapper itself" },
  {
    name: LOADER_VARIABLE,
    reason: "would load other code into HAProxy, which Deno's permissions forbid",
  },
  {
    // ld.so(8), iconv(3); locale(7); config(5) of OpenSSL; section 6.3 of Lua's manual.
    name:
      /^(?:GCONV_PATH|GLIBC_TUNABLES|LOCPATH|OPENSSL_(?:CONF(?:_INCLUDE)?|ENGINES|MODULES)|LUA_C?PATH(?:_\d+_\d+)?)$/,
    reason: "can load other code into HAProxy; if you mean it, set it for the wrapper itself",
  },
];

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;
}
