/** Names everything to watch: what the settings name, and what HAProxy loads besides. Pure. */
import { resolve } from "@std/path";
import type { Settings } from "../../settings/settings.ts";

/**
 * What to watch. A `configuration` and an `env_file` must be there: while one is missing nothing is
 * concluded from that. Anything `watched` or `loaded` may come and go, and both count as changes.
 */
export interface Source {
  /** `loaded`: a file, or a directory without what is below it, that HAProxy itself loads. */
  readonly kind: "configuration" | "env_file" | "watched" | "loaded";
  /** Absolute. */
  readonly path: string;
  /** How it became known, for people. */
  readonly foundBy: string;
  /** Whether it names other files, like a configuration and an env file, which always may. */
  readonly namesFiles?: boolean;
  /** The files that HAProxy looks for beside the certificate at that path, as far as they are there. */
  readonly sideFiles?: (path: string) => readonly string[];
}

/** Names every source of `settings`, in the order in which HAProxy reads them. */
export function sourcesOf(
  settings: Pick<Settings, "haproxy" | "envFile" | "watchPaths">,
  workingDirectory: string,
): readonly Source[] {
  const configurationDirectory = haproxyDirectory(settings, workingDirectory);
  const envFiles = settings.envFile === null ? [] : [settings.envFile];
  return [
    ...settings.haproxy.configurations.map((path) => ({
      kind: "configuration" as const,
      path: resolve(configurationDirectory, path),
      foundBy: "-f",
    })),
    ...envFiles.map((path) => ({
      kind: "env_file" as const,
      path: resolve(workingDirectory, path),
      foundBy: "--env-file",
    })),
    ...settings.watchPaths.map((path) => ({
      kind: "watched" as const,
      path: resolve(workingDirectory, path),
      foundBy: "--watch",
    })),
  ];
}

/** Where HAProxy's relative names start: `-C`, or else the wrapper's own working directory. */
export function haproxyDirectory(
  { haproxy }: Pick<Settings, "haproxy">,
  workingDirectory: string,
): string {
  return resolve(workingDirectory, haproxy.directory ?? ".");
}
