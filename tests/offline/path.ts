// Stands in for `@std/path` where JSR cannot be reached: the same functions from Node's own module.
import { dirname as directoryOf } from "node:path";
export { basename, isAbsolute, join, resolve } from "node:path";

/** Node leaves slashes at the end, as in "a/" of "a//b". */
export const dirname = (path: string) => directoryOf(path).replace(/(?<=.)\/+$/s, "");
