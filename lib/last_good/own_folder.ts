/** The folder in the user's directory that holds the recorded set. No other user may read, change or replace it. */
import { join } from "@std/path";
import { lstat, mkdir } from "../system/files/files.ts";
import { describeForeign, ownUser } from "../system/files/ownership.ts";
import { makeTrusted, trustIn } from "../system/files/trusted_directory.ts";

export class OwnFolder {
  readonly path: string;
  readonly objects: string;
  readonly #directory: string;
  readonly #newFilesIn: readonly string[];
  #user: number | null = null;

  /** A new file in one of `newFilesIn` shows which user the program runs as. */
  constructor(directory: string, newFilesIn: readonly string[]) {
    this.path = join(directory, "set");
    this.objects = join(this.path, "objects");
    this.#directory = directory;
    this.#newFilesIn = newFilesIn;
  }

  get user(): number {
    return this.#user ??= ownUser(this.#newFilesIn);
  }

  /** @throws why it cannot be made, or must not be used. */
  async make(): Promise<void> {
    const distrust = await makeTrusted(this.#directory, this.user);
    if (distrust !== null) throw new Error(distrust);
    for (const path of [this.path, this.objects]) {
      await mkdir(path, { mode: 0o700 }).catch(ignoreExisting);
      // Somebody else may have made it, or a link in its place.
      await this.check();
    }
  }

  /** @throws why what is there must not be used. It may be missing. */
  async check(): Promise<void> {
    const trust = await trustIn(this.#directory, this.user);
    if (trust.tag === "distrusted") throw new Error(trust.reason);
    for (const path of [this.path, this.objects]) {
      const info = await lstat(path).catch(nullIfMissing);
      if (info === null) return;
      const foreign = describeForeign(info, { kind: "directory", user: this.user });
      if (foreign === null) continue;
      throw new Error(`"${path}" ${foreign}: remove it, or name another directory`);
    }
  }
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
