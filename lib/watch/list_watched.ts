/** Says what is watched and how it was found. Pure. */
import { visible } from "../text/visible.ts";
import type { Shortfalls } from "./scan/shortfalls.ts";
import type { Inventory, SourceFile } from "./scan/inventory.ts";

/**
 * Each file with how it was found, what is named and not there, and the real directories in which changes are watched for.
 * `watchLoaded`: whether HAProxy will be asked for more.
 */
export function describeWatched(
  { files, directories }: Inventory,
  { watchLoaded, absent, unreadable }: Shortfalls & { readonly watchLoaded: boolean },
): string {
  return [
    ...files.flatMap((file) => describeFile(file, unreadable.get(file.path))),
    ...absent.flatMap(({ source, state }) => describe(source.path, state, source.foundBy)),
    "",
    "Directories that are watched:",
    ...[...directories].sort().map((path) => `  ${path}`),
    ...watchLoaded ? ["", ASKED] : [],
  ].map((line) => visible(line)).join("\n");
}

const ASKED =
  "Each process is asked besides, as soon as it serves, which certificates, maps and so on it has loaded.";

function describeFile(
  { path, info, source, whole }: SourceFile,
  unreadable: string | undefined,
): readonly string[] {
  const state = info === null
    ? "missing"
    : whole !== undefined
    ? `as a whole, with ${whole.entries} entries`
    : unreadable && `unreadable: ${unreadable}`;
  const origin = path === source.path
    ? source.foundBy
    : `${relation({ path, source })}${source.foundBy}`;
  return describe(path, state, origin);
}

const describe = (path: string, state: string | undefined, origin: string) => [
  `${path}${state === undefined ? "" : ` (${state})`}`,
  `    ${origin}`,
];

function relation({ path, source }: Pick<SourceFile, "path" | "source">): string {
  return path.startsWith(`${source.path}/`)
    ? `in "${source.path}", `
    : source.kind === "loaded"
    ? `beside "${source.path}", `
    : `of "${source.path}", `;
}
