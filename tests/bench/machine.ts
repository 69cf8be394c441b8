/** One line that tells what was measured, and on what. */
import { FORM, PROGRAM } from "../process/program.ts";

export async function machine(): Promise<string> {
  const [program, deno, haproxy] = await versions();
  return [
    `${program} (${FORM})`,
    deno,
    `HAProxy ${/version (\S+)/.exec(haproxy ?? "")?.[1] ?? "of unknown version"}`,
    `${navigator.hardwareConcurrency} cores`,
    new Date().toISOString().slice(0, 10),
  ].join(", ");
}

/** What the program says of itself, of the Deno that it runs on, and of HAProxy. */
async function versions(): Promise<string[]> {
  const [command, ...words] = PROGRAM;
  const { stdout } = await new Deno.Command(command!, { args: [...words, "--version"] }).output();
  return new TextDecoder().decode(stdout).split("\n");
}
