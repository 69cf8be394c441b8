/**
 * Finds the path that the kernel means by one with `..` after a link. Deno 2.9 takes out `link/..` before it asks the
 * kernel, unless the program may write everywhere.
 */
import { dirname } from "@std/path";

/** Whether Deno may take another path than the kernel. */
export const hasParent = (path: string): boolean => PARENT.test(path);

/** @throws the system's error if what stands before a `..` cannot be followed */
export async function kernelPath(path: string): Promise<string> {
  let found = path;
  while (hasParent(found)) found = without(found, await Deno.realPath(before(found)));
  return found;
}

/** The same on the main thread. */
export function kernelPathAtOnce(path: string): string {
  let found = path;
  while (hasParent(found)) found = without(found, Deno.realPathSync(before(found)));
  return found;
}

const PARENT = /\/\.\.(?=\/|$)/;

const before = (path: string) => path.slice(0, path.search(PARENT)) || "/";

/** With the parent of `directory` in place of all up to the first `..`. */
function without(path: string, directory: string): string {
  const parent = dirname(directory);
  const after = path.slice(path.search(PARENT) + "/..".length);
  return parent === "/" && after !== "" ? after : `${parent}${after}`;
}
