/** What is on disk at the moment. */

/** Whether the path exists, be it only as a dangling link. */
export function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== null;
  } catch {
    return false;
  }
}

/** The content of a file; empty if there is none, as for a process that has just ended. */
export function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Where a link leads; empty if it is gone, as a file that a process has closed. */
export function linkIfThere(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

/** The names in a directory; none if it is gone. */
export function namesIfThere(path: string): string[] {
  try {
    return namesIn(path);
  } catch {
    return [];
  }
}

/** The names in a directory, sorted. */
export const namesIn = (path: string): string[] =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();
