/** Records at once what a command line loads, as the wrapper does after 10 s of serving. */
import { resolve } from "@std/path";
import { type Manifest } from "../../../lib/last_good/manifest.ts";
import type { RestoreOptions } from "../../../lib/last_good/restore.ts";
import { Store } from "../../../lib/last_good/store.ts";
import { createLoadedFiles } from "../../../lib/loaded/loaded_files.ts";
import { readInvocation, type Settings } from "../../../lib/settings/settings.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";
import { createScanner } from "../../../lib/watch/scan/scan.ts";
import { haproxyDirectory, sourcesOf } from "../../../lib/watch/scan/sources.ts";

export interface CommandLine {
  readonly words: readonly string[];
  /** The current directory. */
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export function settingsOf({ words }: CommandLine): Settings {
  const invocation = readInvocation(words, {});
  if (!("settings" in invocation)) throw new Error(`found "${invocation.tag}", wanted settings`);
  if (invocation.problems.length > 0) throw new Error(invocation.problems.join("\n"));
  return invocation.settings;
}

/** What is on disk of all that the configuration names. */
export async function fingerprintOf(line: CommandLine): Promise<Fingerprint> {
  const settings = settingsOf(line);
  const { findNamed } = createLoadedFiles({
    ...settings,
    ...restoreOptions(line),
    workingDirectory: haproxyDirectory(settings, line.directory),
  });
  const { seen } = await createScanner(sourcesOf(settings, line.directory), findNamed).scan();
  if (seen.tag === "unreadable") throw new Error(JSON.stringify(seen.unreadable));
  return seen.fingerprint;
}

export async function record(path: string, line: CommandLine): Promise<Manifest> {
  const store = new Store(path);
  const fingerprint = await fingerprintOf(line);
  const gathered = await store.gather(fingerprint, new AbortController().signal);
  if (gathered.tag !== "gathered") throw new Error(JSON.stringify(gathered));
  const manifest = {
    recordedMs: Date.now(),
    generation: 1,
    haproxyVersion: null,
    directory: haproxyDirectory(settingsOf(line), line.directory),
    files: gathered.files,
  };
  const failure = await store.record(manifest);
  if (failure !== null) throw new Error(failure.reason);
  return manifest;
}

/** What a set is laid out for. */
export function restoreOptions(line: CommandLine): RestoreOptions {
  const settings = settingsOf(line);
  return {
    haproxy: settings.haproxy,
    envFile: settings.envFile === null ? null : resolve(line.directory, settings.envFile),
    directory: haproxyDirectory(settings, line.directory),
    environment: line.environment ?? {},
  };
}
