/**
 * Runs deno with what this machine needs: `deno run -A tests/dev/deno.ts SUBCOMMAND [ARGUMENT…]`. Where JSR is
 * out of reach, tests/offline stands in for the @std packages. Debian's haproxy lies in /usr/sbin, which is not in
 * everybody's PATH.
 */
import { dirname } from "node:path";

export const ROOT = dirname(dirname(import.meta.dirname!));

/** How the program is run and compiled: with just its permissions and a small V8. */
export const PROGRAM_OPTIONS = [
  "--no-prompt",
  "-P",
  "--v8-flags=--lite-mode,--single-threaded,--expose-gc",
] as const;

export interface DenoOptions {
  /** The deno to run, if not this one. */
  readonly deno?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs it in the foreground, and returns its exit status as a shell does. */
export async function runDeno(
  words: readonly string[],
  options: DenoOptions = {},
): Promise<number> {
  const child = denoCommand(words, options).spawn();
  const forward = SIGNALS.map((signal) => [signal, () => child.kill(signal)] as const);
  forward.forEach(([signal, pass]) => Deno.addSignalListener(signal, pass));
  const { code } = await child.status;
  forward.forEach(([signal, pass]) => Deno.removeSignalListener(signal, pass));
  return code;
}

/** What a terminal or supervisor may send to the task. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

export function denoCommand(
  [subcommand, ...words]: readonly string[],
  { deno = Deno.execPath(), environment = {} }: DenoOptions,
  output: Pick<Deno.CommandOptions, "stdout" | "stderr"> = {},
): Deno.Command {
  const args = [subcommand!, "--quiet", ...importOptions(), ...words];
  return new Deno.Command(deno, { args, cwd: ROOT, env: { ...PATHS, ...environment }, ...output });
}

/** Where programs are found, Debian's haproxy in particular. */
export const PATHS = { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin` };

/** The import map, where the packages can't be loaded. */
function importOptions(): string[] {
  if (canLoadPackages()) return [];
  console.error("the @std packages cannot be loaded from JSR: tests/offline stands in for them");
  return ["--import-map=tests/offline/import_map.json"];
}

function canLoadPackages(): boolean {
  const args = ["cache", "--quiet", "main.ts"];
  return new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stderr: "null" }).outputSync()
    .success;
}

if (import.meta.main) Deno.exit(await runDeno(Deno.args));
