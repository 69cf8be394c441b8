/** What was measured, and on what. */
import { FORM, PROGRAM } from "../wrapper/program.ts";

export interface Machine {
  /** Name and version. */
  readonly program: string;
  readonly form: typeof FORM;
  /** The program's Deno, which an executable contains: `Deno` and its version. */
  readonly deno: string;
  /** The version alone. */
  readonly haproxy: string;
  readonly cores: number;
  /** `2026-01-31`. */
  readonly date: string;
}

export async function machine(): Promise<Machine> {
  const [program, deno, haproxy] = await versions();
  return {
    program: program ?? "",
    form: FORM,
    deno: deno ?? "",
    haproxy: /version (\S+)/.exec(haproxy ?? "")?.[1] ?? "of unknown version",
    cores: navigator.hardwareConcurrency,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** One line for all `machines`, with what they have in common said once. */
export function described(...machines: readonly Machine[]): string {
  const told = (tell: (one: Machine) => string) => [...new Set(machines.map(tell))].join(", ");
  return [
    told(({ program, form }) => `${program} (${form})`),
    told(({ deno }) => deno),
    `HAProxy ${told(({ haproxy }) => haproxy)}`,
    told(({ cores }) => `${cores} cores`),
    told(({ date }) => date),
  ].join(", ");
}

/** What the program prints about itself, its Deno and HAProxy. */
async function versions(): Promise<string[]> {
  const [command, ...words] = PROGRAM;
  const { stdout } = await new Deno.Command(command!, { args: [...words, "--version"] }).output();
  return new TextDecoder().decode(stdout).split("\n");
}
