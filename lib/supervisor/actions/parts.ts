/** What the actions work with. */
import type { Leftovers } from "../../haproxy/leftovers/leftovers.ts";
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import type { LastGoodSet } from "../../last_good/last_good.ts";
import type { LoadedFiles } from "../../loaded/loaded_files.ts";
import type { Settings } from "../../settings/settings.ts";
import type { ReadFile } from "../../system/cgroup_memory.ts";
import type { Log } from "../../system/log.ts";
import type { MountedFile } from "../../watch/scan/mounted_files.ts";
import type { Scanner } from "../../watch/scan/scan.ts";
import type { Source } from "../../watch/scan/sources.ts";
import type { Broken, Event } from "../state/events.ts";

export interface Parts {
  readonly settings: Settings;
  readonly folder: PrivateFolder;
  readonly leftovers: Leftovers;
  readonly sources: readonly Source[];
  readonly scanner: Scanner;
  readonly loadedFiles: LoadedFiles;
  readonly mountedFiles: readonly MountedFile[];
  /** `null`: nothing is recorded. */
  readonly lastGood: LastGoodSet | null;
  readonly collectGarbageSoon: () => void;
  /** What the kernel says about memory. */
  readonly readKernelFile: ReadFile;
  /**
   * Posts whether the serving process renews a certificate; resolves with whether one was saved meanwhile. `null` if
   * there is nothing to ask.
   */
  readonly askRenewals: () => Promise<boolean> | null;
  readonly log: Log;
  readonly post: (event: Event) => void;
  /** `broken`: what remains undone because of the error. */
  readonly postBug: (error: unknown, broken: Broken) => void;
}
