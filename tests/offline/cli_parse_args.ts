// Stands in for `@std/cli/parse-args` where JSR cannot be reached, over Node's own parser.
import { parseArgs as parse } from "node:util";

export function parseArgs(
  args: string[],
  { boolean, string, collect }: { boolean: string[]; string: string[]; collect: string[] },
): Record<string, unknown> {
  const options = Object.fromEntries([
    ...boolean.map((name) => [name, { type: "boolean" as const, default: false }]),
    ...string.map((name) => [name, { type: "string" as const }]),
    ...collect.map((name) => [name, { type: "string" as const, multiple: true, default: [] }]),
  ]);
  const { values, positionals } = parse({ args, options, strict: false });
  return { ...values, _: positionals };
}
