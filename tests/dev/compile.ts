/**
 * Makes the executable: `deno task compile`, or for other machines `deno task compile amd64 arm64`. The variable
 * DENO names another deno to compile with. With `--if-possible` it succeeds without an executable if the
 * network withholds what `deno compile` embeds.
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { denoCommand, PROGRAM_OPTIONS, ROOT } from "./deno.ts";
import { withBundle } from "./bundle.ts";

const NAME = "haproxy-reload-wrapper";

const TARGETS: Readonly<Record<string, string>> = {
  amd64: "x86_64-unknown-linux-gnu",
  arm64: "aarch64-unknown-linux-gnu",
};

export type Compilation =
  | { readonly tag: "compiled" }
  /** `deno compile` cannot download denort, which it embeds. */
  | { readonly tag: "out_of_reach"; readonly reason: string }
  | { readonly tag: "failed"; readonly reason: string };

/** Compiles `entry` to the file `output`, for this machine unless `target` names another. */
export async function compile(
  entry: string,
  output: string,
  target?: string,
): Promise<Compilation> {
  const words = [
    ...["compile", "--no-code-cache", ...PROGRAM_OPTIONS],
    ...target === undefined ? [] : ["--target", target],
    ...["--output", output, entry],
  ];
  const deno = Deno.env.get("DENO") ?? Deno.execPath();
  const command = denoCommand(words, { deno }, { stderr: "piped" });
  const { success, stderr } = await command.output();
  if (success) return { tag: "compiled" };
  const reason = new TextDecoder().decode(stderr);
  const isOutOfReach = /error sending request for url \(\S+\/denort-/.test(reason);
  return { tag: isOutOfReach ? "out_of_reach" : "failed", reason };
}

/** Makes this machine's executable, unless denort is out of reach, and returns an exit status. */
export const makeIfPossible = () => make(NAME, { ifPossible: true });

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { "if-possible": { type: "boolean" } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !(name in TARGETS));
  if (unknown.length > 0) {
    console.error(`found ${unknown.join(", ")}; wanted ${Object.keys(TARGETS).join(", ")}`);
    return 64;
  }
  if (positionals.length === 0) {
    return await make(NAME, { ifPossible: values["if-possible"] === true });
  }
  for (const name of positionals) {
    const status = await make(`${NAME}-linux-${name}`, { target: TARGETS[name]! });
    if (status !== 0) return status;
  }
  return 0;
}

/** Makes one and returns an exit status. An older file must not be mistaken for the result. */
async function make(
  name: string,
  { target, ifPossible }: { readonly target?: string; readonly ifPossible?: boolean },
): Promise<number> {
  await Deno.remove(join(ROOT, name)).catch(() => {});
  const end = await withBundle((entry) => compile(entry, name, target));
  if (end.tag === "compiled") return 0;
  if (end.tag === "out_of_reach" && ifPossible) {
    console.error("there is no executable, because what it embeds cannot be downloaded");
    return 0;
  }
  console.error(end.reason);
  return 1;
}

if (import.meta.main) Deno.exit(await main());
