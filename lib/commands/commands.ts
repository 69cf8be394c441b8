/** The commands that the program runs instead of HAProxy, and then exits. Loaded only on demand. */
import { EXIT } from "../exit_codes.ts";
import { describeFailure, exitCodeOf } from "../haproxy/failure/failure.ts";
import { checkConfiguration } from "./check.ts";
import { spawnHaproxy } from "../haproxy/process/process.ts";
import type { LoadedFiles } from "../loaded/loaded_files.ts";
import { helpText } from "../settings/help.ts";
import type { Invocation, Settings } from "../settings/settings.ts";
import { complain, writeToStdout } from "../system/log.ts";
import type { Signals } from "../system/signals.ts";
import { visible } from "../text/visible.ts";
import { askHealth } from "./health.ts";
import { describeWatched, findShortfalls } from "./list_watched.ts";
import type { ScanResult } from "../watch/scan/scan.ts";
import type { Source } from "../watch/scan/sources.ts";

/** `--help`, `--version`, `--health` and HAProxy's own flags that print: none starts anything. Returns the exit status. */
export async function print(
  invocation: Exclude<Invocation, { readonly settings: Settings }>,
  wrapperVersion: string,
): Promise<number> {
  switch (invocation.tag) {
    case "help":
      return output(helpText());
    case "version":
      return output(await versionText(wrapperVersion));
    case "health":
      return await health(invocation);
    case "haproxy_prints": {
      const spawned = spawnHaproxy([invocation.flag], { environment: {}, output: "inherit" });
      if (spawned.tag === "spawned") return (await spawned.process.ended).code;
      complain(describeFailure(spawned));
      return exitCodeOf(spawned);
    }
    default:
      return invocation satisfies never;
  }
}

/** `--check`. Returns the exit status. */
export async function check(
  settings: Settings,
  { loadedFiles, signals }: { readonly loadedFiles: LoadedFiles; readonly signals: Signals },
): Promise<number> {
  const end = await checkConfiguration(settings, {
    needs: loadedFiles.needs(),
    onStarted: (stop) =>
      signals.deliverTo((meaning) => meaning.tag === "stop" && stop(meaning.signal)),
  });
  end.problems.forEach(complain);
  return end.exitCode;
}

/** `--list-watched`. Returns the exit status. */
export async function listWatched(
  settings: Settings,
  { sources, scan }: { readonly sources: readonly Source[]; readonly scan: ScanResult },
): Promise<number> {
  const shortfalls = await findShortfalls([...sources, ...scan.references], scan);
  return output(describeWatched(scan.inventory, { ...settings, ...shortfalls }));
}

async function health({ address, problems }: InvocationOf<"health">): Promise<number> {
  problems.forEach(complain);
  if (problems.length > 0 || address === null) return EXIT.USAGE;
  const answer = await askHealth(address);
  if (answer.isOk) return output("ok");
  complain(answer.reason);
  return EXIT.UNHEALTHY;
}

type InvocationOf<Tag extends Invocation["tag"]> = Extract<Invocation, { readonly tag: Tag }>;

async function versionText(wrapperVersion: string): Promise<string> {
  const spawned = spawnHaproxy(["-v"], { environment: {}, output: "captured" });
  const haproxy = spawned.tag === "spawned"
    ? (await spawned.process.output).split("\n")[0]!
    : `haproxy: ${spawned.reason}`;
  return [`haproxy-reload-wrapper ${wrapperVersion}`, `Deno ${Deno.version.deno}`, haproxy]
    .map((line) => visible(line)).join("\n");
}

function output(text: string): 0 {
  writeToStdout(text);
  return 0;
}
