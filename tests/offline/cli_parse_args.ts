// Stands in for `@std/cli/parse-args` where JSR cannot be reached, over Node's own parser.
import { parseArgs as parse, type ParseArgsOptionsConfig } from "node:util";

type Names = Record<"boolean" | "string" | "collect", string[]>;

export function parseArgs(args: string[], names: Names): Record<string, unknown> {
  const options: ParseArgsOptionsConfig = {};
  for (const name of names.boolean) options[name] = { type: "boolean", default: false };
  for (const name of names.string) options[name] = { type: "string" };
  for (const name of names.collect) options[name] = { type: "string", multiple: true, default: [] };
  return parse({ args, options, strict: false }).values;
}
