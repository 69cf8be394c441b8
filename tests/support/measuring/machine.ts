/** What was measured, and on what. */
import { FORM, PROGRAM } from "../program.ts";

export interface Machine {
  /** Name and version. */
  readonly program: string;
  readonly form: typeof FORM;
  /** The Deno that the program runs on, which is inside the executable: `Deno` and its version. */
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

/** One line that tells them of all `machines`, and what they have in common once. */
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

/** What the program says of itself, of the Deno that it runs on, and of HAProxy. */
async function versions(): Promise<string[]> {
  const [command, ...words] = PROGRAM;
  const { stdout } = await new Deno.Command(command!, { args: [...words, "--version"] }).output();
  return new TextDecoder().decode(stdout).split("\n");
}
