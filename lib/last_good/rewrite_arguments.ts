/** Makes HAProxy's arguments name the copies of the configuration files. Pure. */
import { basename, dirname, resolve } from "@std/path";
import { type HaproxyArguments, valuesOf } from "../settings/haproxy_arguments.ts";

export interface RewrittenArguments {
  readonly arguments: HaproxyArguments;
  /** The original files, absolute, in the order in which HAProxy loads them. */
  readonly files: readonly string[];
  /** The files and directories without a copy, absolute. If there are any, the arguments cannot be used. */
  readonly missing: readonly string[];
}

export function rewriteArguments(
  haproxy: HaproxyArguments,
  { directory, files, copyAt }: {
    /** Where relative names start. */
    readonly directory: string;
    /** The files with a copy, by their absolute paths. */
    readonly files: ReadonlyMap<string, unknown>;
    readonly copyAt: (path: string) => string;
  },
): RewrittenArguments {
  const copyOf = (name: string) => copyAt(resolve(directory, name));
  const found = haproxy.configurations.map((name) => {
    const path = resolve(directory, name);
    return { path, files: files.has(path) ? [path] : membersOf(path, files.keys()) };
  });
  return {
    arguments: {
      options: rewriteOptions(haproxy.options, copyOf),
      filesAfterDashes: haproxy.filesAfterDashes?.map(copyOf) ?? null,
      configurations: haproxy.configurations.map(copyOf),
      directory: haproxy.directory,
    },
    files: found.flatMap(({ files }) => files),
    missing: found.filter(({ files }) => files.length === 0).map(({ path }) => path),
  };
}

function rewriteOptions(options: readonly string[], copyOf: (name: string) => string): string[] {
  const words: string[] = [];
  for (let i = 0; i < options.length; i++) {
    const flag = options[i]!;
    const values = options.slice(i + 1, i + 1 + valuesOf(flag, options.slice(i + 1)));
    words.push(flag, ...flag === "-f" ? values.map(copyOf) : values);
    i += values.length;
  }
  return words;
}

/** The files that HAProxy loads from a directory, in its order. */
function membersOf(directory: string, files: Iterable<string>): string[] {
  return [...files].filter((path) => {
    const name = basename(path);
    return dirname(path) === directory && name.endsWith(".cfg") && !name.startsWith(".");
  }).sort();
}
