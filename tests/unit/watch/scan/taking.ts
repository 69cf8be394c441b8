/** Takes inventories for tests. */
import { Directories } from "../../../../lib/watch/directories/directories.ts";
import { Collector, type Inventory, isRelevant } from "../../../../lib/watch/scan/inventory.ts";
import { addLoaded } from "../../../../lib/watch/scan/loaded_sources.ts";
import { addSource } from "../../../../lib/watch/scan/settings_sources.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";

/** The inventory of `sources`: first those of the settings, then the loaded ones. */
export async function take(
  sources: readonly Source[],
  directories = new Directories(),
): Promise<Inventory> {
  const collector = new Collector(directories);
  const loaded = sources.filter(({ kind }) => kind === "loaded");
  for (const source of sources) if (!loaded.includes(source)) await addSource(collector, source);
  await addLoaded(collector, loaded);
  return collector.inventory;
}

export const takeOne = (kind: Source["kind"], path: string): Promise<Inventory> =>
  take([{ kind, path, foundBy: "" }]);

export const pathsOf = ({ files }: Pick<Inventory, "files">): string[] =>
  files.map(({ path }) => path);

/** Which of `paths` are relevant. */
export const relevantOf = (inventory: Inventory, paths: readonly string[]): string[] =>
  paths.filter((path) => isRelevant(inventory, path));
