/** Updates an inventory if only the content of some files can have changed. */
import { dirname } from "@std/path";
import { lstat } from "../../system/files/files.ts";
import type { Directories } from "../directories/directories.ts";
import { stateOf } from "../directories/file_state.ts";
import type { Inventory, SourceFile } from "./inventory.ts";
import type { Source } from "./sources.ts";

/**
 * `inventory` with new states for the `touched` real paths only; `null` if more than contents may have changed:
 * files that came, went or became something else, links, directories, files that name others.
 */
export async function refreshInventory(
  inventory: Inventory,
  touched: ReadonlySet<string>,
  reader: Directories,
): Promise<Inventory | null> {
  const indices = indicesOf(inventory);
  const files = [...inventory.files];
  const wholes = new Set<string>();
  for (const realPath of touched) {
    const found = indices.get(realPath);
    const directory = dirname(realPath);
    if (found === undefined && isWhole(files, indices.get(directory))) {
      wholes.add(directory);
      continue;
    }
    const info = await lstat(realPath).catch(() => null);
    // Such as a writer's temporary file after its rename.
    if (found === undefined && info === null && !inventory.entries.has(realPath)) continue;
    if (found === undefined || !info?.isFile) return null;
    for (const index of found) files[index] = { ...files[index]!, info: stateOf(info) };
    if (found.some((index) => mayNameFiles(files[index]!.source))) return null;
  }
  for (const directory of wholes) {
    const whole = await reader.wholeAgain(directory).catch(() => null);
    if (!whole) return null;
    for (const index of indices.get(directory)!) files[index] = { ...files[index]!, whole };
  }
  return { ...inventory, files };
}

const isWhole = (files: readonly SourceFile[], indices: readonly number[] = []) =>
  indices.some((index) => files[index]!.whole !== undefined);

const mayNameFiles = ({ kind, namesFiles }: Source) =>
  namesFiles === true || kind === "configuration" || kind === "env_file";

type Indices = ReadonlyMap<string, readonly number[]>;

/** A refresh does not reorder files, so these hold for all inventories derived from one. */
const indicesByDirectories = new WeakMap<Inventory["directories"], Indices>();

/** The indices of each real path in the list of files; several names may lead to one. */
function indicesOf({ files, directories }: Inventory): Indices {
  const known = indicesByDirectories.get(directories);
  if (known !== undefined) return known;
  const indices = new Map<string, number[]>();
  for (const [index, { realPath }] of files.entries()) {
    const others = indices.get(realPath);
    if (others === undefined) indices.set(realPath, [index]);
    else others.push(index);
  }
  indicesByDirectories.set(directories, indices);
  return indices;
}
