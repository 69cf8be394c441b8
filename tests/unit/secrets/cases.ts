/** Lines with a secret, each with its section. */
import { MARKER } from "../../support/secrets.ts";

export type Section = "global" | "defaults" | "userlist" | "frontend" | "backend" | "own";

export interface SecretLine {
  readonly section: Section;
  readonly line: string;
}

/** Sections in brackets, followed by their lines, in which `§` is the secret. */
const TEXT = Deno.readTextFileSync(new URL("secret_lines.txt", import.meta.url));

export const SECRET_LINES: readonly SecretLine[] = TEXT.split(/^\[(?=[a-z]+\]$)/m).slice(1)
  .flatMap((part) => {
    const [name, ...lines] = part.trimEnd().split("\n");
    const section = name!.slice(0, -1) as Section;
    return lines.map((line) => ({ section, line: line.replaceAll("§", MARKER) }));
  });

/** The lines of the file `name` in this folder. */
export const linesOf = (name: string): readonly string[] =>
  Deno.readTextFileSync(new URL(name, import.meta.url)).trimEnd().split("\n");
