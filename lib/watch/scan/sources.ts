/** What to watch: what the settings name, and what HAProxy loads besides. Pure. */
import { resolve } from "@std/path";
import type { SideFileRule } from "../../config/side_files.ts";
import type { Settings } from "../../settings/settings.ts";

/**
 * A file, a directory or a glob. A `configuration` and an `env_file` must exist: while one is missing, no change
 * is applied. When anything `watched` or `loaded` comes or goes, that is a change.
 */
export interface Source {
  /** `loaded`: a file that HAProxy loads, or a directory without its subdirectories. */
  readonly kind: "configuration" | "env_file" | "watched" | "loaded";
  /** Absolute. */
  readonly path: string;
  /** How it was found, for people. */
  readonly foundBy: string;
  /** Whether its text may name other files. A configuration's and an env file's always may. */
  readonly namesFiles?: boolean;
  /** Which files HAProxy looks for beside this certificate. */
  readonly sideFiles?: SideFileRule;
}

/** Every source that the settings name, in the order in which HAProxy reads them. */
export function sourcesOf(
  settings: Pick<Settings, "haproxy" | "envFile" | "watchPaths">,
  workingDirectory: string,
): readonly Source[] {
  const { haproxy, envFile, watchPaths } = settings;
  const from = (directory: string, kind: Source["kind"], foundBy: string) => (path: string) => ({
    kind,
    path: resolve(directory, path),
    foundBy,
  });
  return [
    ...haproxy.configurations.map(
      from(haproxyDirectory(settings, workingDirectory), "configuration", "-f"),
    ),
    ...(envFile === null ? [] : [envFile]).map(from(workingDirectory, "env_file", "--env-file")),
    ...watchPaths.map(from(workingDirectory, "watched", "--watch")),
  ];
}

/** Where HAProxy's relative names start: `-C`, or the wrapper's own working directory. */
export function haproxyDirectory(
  { haproxy }: Pick<Settings, "haproxy">,
  workingDirectory: string,
): string {
  return resolve(workingDirectory, haproxy.directory ?? ".");
}
