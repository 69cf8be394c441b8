// Stands in for `@std/fs/expand-glob` where JSR cannot be reached, over Node's own glob.
import { glob as nodeGlob } from "node:fs/promises";

export async function* expandGlob(glob: string): AsyncIterableIterator<{ path: string }> {
  for await (const path of nodeGlob(glob)) yield { path };
}
