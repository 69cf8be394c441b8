/** Files that are mounted one by one: such a mount goes on showing the old file when somebody replaces it. */
import type { Log, LogEntry } from "../../system/log.ts";
import type { SourceFile } from "./inventory.ts";

export interface MountedFile {
  /** As the user names it. */
  readonly path: string;
  readonly realPath: string;
  /** Whether the number of its links tells when it was removed: some file systems always say 0. */
  readonly hasLinks: boolean;
}

/** Finds those of `files` at which something is mounted. */
export function findMountedFiles(
  files: readonly SourceFile[],
  isMountRoot: (path: string) => boolean,
): readonly MountedFile[] {
  return files.flatMap(({ path, info, whole }) =>
    info !== null && whole === undefined && isMountRoot(path)
      ? [{ path, realPath: realPathOf(path), hasLinks: info.nlink !== 0 }]
      : []
  );
}

/** What to say of such a file at the start. */
export function describeMountedFile({ path }: MountedFile): LogEntry {
  return {
    level: "warning",
    text: `"${path}" is mounted as a single file: only what is written in place can be seen; ` +
      "when it is replaced, the mount goes on showing the old one. " +
      "Mount its directory instead (in Kubernetes without subPath)",
    fields: { reason: "mounted as a single file" },
  };
}

/** Makes the function that is given all files after each look, and says once of each that it was replaced. */
export function createReplacementReport(
  mounted: readonly MountedFile[],
  log: Log,
): (files: readonly SourceFile[]) => void {
  const unreported = new Set(mounted.filter(({ hasLinks }) => hasLinks).map(({ path }) => path));
  return (files) => {
    for (const { path, info } of files) {
      if (info?.nlink === 0 && unreported.delete(path)) log(describeReplacement(path));
    }
  };
}

function describeReplacement(path: string): LogEntry {
  return {
    level: "warning",
    text: `the file that is mounted at "${path}" was replaced or removed outside: ` +
      "the mount goes on showing the old one, and nothing newer can be loaded until it is mounted again " +
      "(start the container again, and mount the file's directory instead)",
    fields: { reason: "replaced behind its mount", changed: [path] },
  };
}

/** A file may be gone since it was looked at. */
function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}
