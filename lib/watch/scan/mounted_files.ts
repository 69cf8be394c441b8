/** Individually mounted files: such a mount keeps showing the old file after it is replaced. Pure. */
import type { LogEntry } from "../../system/log.ts";
import type { Inventory, SourceFile } from "./inventory.ts";
import type { Remark } from "./remarks.ts";

export interface MountedFile {
  /** As the user names it. */
  readonly path: string;
  readonly realPath: string;
  /** Whether its link count can show that it was removed: some file systems always say 0. */
  readonly hasLinks: boolean;
}

/** Finds those of `files` that are mount points. */
export function findMountedFiles(
  files: readonly SourceFile[],
  isMountRoot: (path: string) => boolean,
): readonly MountedFile[] {
  return files.flatMap(({ path, realPath, info, whole }) =>
    info !== null && whole === undefined && isMountRoot(path)
      ? [{ path, realPath, hasLinks: info.nlink !== 0 }]
      : []
  );
}

/** The warning at the start. */
export function describeMountedFile({ path }: MountedFile): LogEntry {
  return {
    level: "warning",
    text: `"${path}" is mounted as a single file: only writes in place can be seen; ` +
      "if it is replaced, the mount keeps showing the old file. " +
      "Mount its directory instead (in Kubernetes without subPath)",
    fields: { reason: "mounted as a single file" },
  };
}

/** Which mounted files have been replaced outside. */
export function findReplaced({ files }: Inventory, mounted: readonly MountedFile[]): Remark[] {
  const paths = new Set(mounted.filter(({ hasLinks }) => hasLinks).map(({ path }) => path));
  if (paths.size === 0) return [];
  return files.filter(({ path, info }) => info?.nlink === 0 && paths.has(path)).map(({ path }) => ({
    key: `replaced ${path}`,
    reason: "replaced behind its mount",
    text: `the file mounted at "${path}" was replaced or removed outside: the mount keeps ` +
      "showing the old file, and nothing newer can be loaded until it is mounted again " +
      "(restart the container, and mount the file's directory instead)",
    changed: [path],
  }));
}
