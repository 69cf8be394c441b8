/** Looks at all sources once: which files there are, what they hold, and where to watch them. */
import { createFingerprinter, type Fingerprint } from "./fingerprint.ts";
import { type Inventory, type Source, takeInventory, type Unreadable } from "./sources.ts";

export interface Look {
  readonly inventory: Inventory;
  readonly seen:
    | { readonly tag: "taken"; readonly fingerprint: Fingerprint }
    | { readonly tag: "unreadable"; readonly unreadable: readonly Unreadable[] };
}

/** Makes the function that looks at `sources`. It remembers what it read, so keep just one. */
export function createLook(sources: readonly Source[]): () => Promise<Look> {
  const fingerprint = createFingerprinter();
  return async () => {
    const inventory = await takeInventory(sources);
    const outcome = await fingerprint(inventory.files);
    const unreadable = [
      ...inventory.unreadable,
      ...(outcome.tag === "unreadable" ? outcome.unreadable : []),
    ];
    const isWhole = outcome.tag === "taken" && inventory.unreadable.length === 0;
    return { inventory, seen: isWhole ? outcome : { tag: "unreadable", unreadable } };
  };
}
