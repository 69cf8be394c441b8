/**
 * Makes a launcher for the HAProxy in another Debian's root folder, with that Debian's libraries:
 *
 *     deno run -A tests/proof/run/launcher.ts ROOT FILE && deno task proof --haproxy FILE
 *
 * A master process re-executes itself by its own name, so it gets the launcher's.
 */

import { isThere } from "../../support/machine/files.ts";

/** Its path on each architecture. */
const LOADERS = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"];

if (import.meta.main) {
  const [root, file] = Deno.args;
  if (root === undefined || file === undefined) {
    console.error(
      "wanted the root folder of a Debian with haproxy, and the launcher to be written",
    );
    Deno.exit(64);
  }
  Deno.writeTextFileSync(file, launcherFor(Deno.realPathSync(root)), { mode: 0o755 });
}

/** @throws if the root folder has no loader. */
export function launcherFor(root: string): string {
  const loader = LOADERS.map((path) => `${root}/${path}`).find(isThere);
  if (loader === undefined) throw new Error(`found no ${LOADERS.join(", no ")} in "${root}"`);
  const triplet = loader.includes("x86-64") ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  const libraries = [`${root}/usr/lib/${triplet}`, `${root}/lib/${triplet}`].join(":");
  return `#!/bin/sh
exec ${quoted(loader)} --argv0 "$0" --library-path ${quoted(libraries)} ${
    quoted(`${root}/usr/sbin/haproxy`)
  } "$@"
`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
