// Stands in for `@std/path` where JSR cannot be reached: the same functions from Node's own module.
export { basename, dirname, isAbsolute, join, resolve } from "node:path";
