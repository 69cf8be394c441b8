/** The wrapper's private folder: each generation's stats socket, and the files added to its configuration. */
import { join } from "@std/path";
import type { Needs } from "../../config/needs.ts";
import { makeAtOnce, mkdir } from "../../system/files/files.ts";
import { systemReason } from "../../text/system_reason.ts";
import type { InjectedFiles } from "../process/arguments.ts";
import type { PrivateSocket } from "../runtime/client.ts";
import type { Claim } from "./claim.ts";
import { noteOf } from "./pause_note.ts";
import { connectionsBy, firstConfiguration, lastConfiguration, NO_SERVERS } from "./injected.ts";
import { FOLDER_PREFIX, type MadeFolder, makeFolder } from "./made_folder.ts";

/** What private files are for: a generation or a check. */
export type Owner = number | "check";

export interface PrivateFile {
  readonly path: string;
  /** @throws the system's error, or why nothing may be written there any more. */
  write(text: string): Promise<void>;
}

export type PrivateFolderOutcome =
  | { readonly tag: "made"; readonly folder: PrivateFolder }
  | { readonly tag: "not_made"; readonly reason: string };

export const describeNotMade = (reason: string) =>
  `cannot make a private folder: found ${reason}; wanted a writable directory that ` +
  "no other user can replace, for instance a tmpfs mounted at /tmp";

/**
 * Makes the folder, of mode 0700, in the first of `parents` that is writable and can be trusted. The folder is claimed,
 * as is any that has to replace it later.
 */
export async function makePrivateFolder(
  parents: readonly string[],
  claim: Claim = async () => {},
): Promise<PrivateFolderOutcome> {
  const make = async (parent: string) => {
    const folder = await makeFolder(parent);
    await mkdir(join(folder.path, PROBE), { mode: 0o700 });
    await claim(folder);
    return folder;
  };
  const failures: string[] = [];
  for (const parent of parents) {
    try {
      return { tag: "made", folder: new PrivateFolder(await make(parent), () => make(parent)) };
    } catch (error) {
      failures.push(`"${parent}": ${systemReason(error)}`);
    }
  }
  return { tag: "not_made", reason: failures.join("; ") };
}

const PROBE = "probe";

/** The generation that the private file `path` configures; `null` if it configures none. */
export function generationOf(path: string): number | null {
  const [, generation] = FIRST_FILE.exec(path) ?? [];
  return generation === undefined ? null : Number(generation);
}

const FIRST_FILE = new RegExp(`^/(?:.*/)?${FOLDER_PREFIX}[^/]+/(\\d+)-first\\.cfg$`);

export const socketName = (generation: number) => namesOf(generation).socket;

const namesOf = (owner: Owner) => ({
  socket: `${owner}.sock`,
  first: `${owner}-first.cfg`,
  last: `${owner}-last.cfg`,
  serverState: `${owner}-servers.state`,
  pauseNote: noteOf(`${owner}.sock`),
});

/** Where an owner's files are, and how many connections its stats sockets may have. */
interface Home {
  readonly made: MadeFolder;
  readonly connections: number | null;
}

export class PrivateFolder {
  readonly #makeAgain: () => Promise<MadeFolder>;
  /** Shared by all generations. */
  readonly #secret = crypto.getRandomValues(new Uint8Array(16)).toHex();
  readonly #all: MadeFolder[];
  readonly #adopted = new Map<number, PrivateSocket>();
  readonly #homes = new Map<Owner, Home>();
  /** Owners whose files could not be removed, for instance because the disk was read-only. */
  readonly #unremoved = new Set<Owner>();
  #current: MadeFolder;
  /** A cancelled start may still be writing when the folder is removed. */
  #lastWriting: Promise<unknown> = Promise.resolve();
  #isRemoved = false;

  constructor(made: MadeFolder, makeAgain: () => Promise<MadeFolder>) {
    this.#current = made;
    this.#all = [made];
    this.#makeAgain = makeAgain;
  }

  get path(): string {
    return this.#current.path;
  }

  /**
   * A directory in which nothing else happens. Each reload causes a dozen or more events next to it, and Deno 2.6
   * drops events while 16 wait, a configuration change among them. It is made again if a cleaner of `/tmp` has removed it.
   * `null` if the folder is no longer ours.
   */
  probeDirectory(): string | null {
    if (this.#isRemoved || this.#current.problem() !== null) return null;
    const path = join(this.path, PROBE);
    makeAtOnce(path, { mode: 0o700 });
    return path;
  }

  /** Makes a leftover process count as `generation`. */
  adopt(generation: number, socket: PrivateSocket): void {
    this.#adopted.set(generation, socket);
  }

  socket(generation: number): PrivateSocket {
    return this.#adopted.get(generation) ??
      this.#madeFor(generation).socket(namesOf(generation).socket);
  }

  /** See `connectionsBy`. */
  connectionsOf(generation: number): number | null {
    return this.#homes.get(generation)?.connections ?? null;
  }

  /** The servers' last state, which a generation loads if it was prepared to. */
  serverState(generation: number): PrivateFile {
    const made = this.#madeFor(generation);
    const { serverState } = namesOf(generation);
    return { path: join(made.path, serverState), write: (text) => made.write(serverState, text) };
  }

  /**
   * Writes an owner's files, in a new folder if the current one is no longer ours. Its servers' state is empty.
   * @throws the system's error, for instance when the disk is full.
   */
  async prepare(owner: Owner, needs: Needs): Promise<InjectedFiles> {
    if (this.#isRemoved) throw new Deno.errors.NotFound("the wrapper is shutting down");
    const writing = this.#write(owner, needs);
    this.#lastWriting = writing.catch(() => {});
    return await writing;
  }

  /** Nothing reads the servers' state after the start. */
  async forgetServerState(generation: number): Promise<void> {
    await this.#madeFor(generation).removeFile(namesOf(generation).serverState);
  }

  /** Removes the files of a generation that is gone, and those of earlier ones whose removal failed. */
  async forget(owner: Owner): Promise<void> {
    // A later owner may be about to write its files again.
    const earlier = [...this.#unremoved].filter((other) => other < owner);
    await Promise.all([...earlier, owner].map((owner) => this.#removeFilesOf(owner)));
  }

  async remove(): Promise<void> {
    this.#isRemoved = true;
    await this.#lastWriting;
    await Promise.all(this.#all.map((folder) => folder.remove()));
  }

  #madeFor(owner: Owner): MadeFolder {
    return this.#homes.get(owner)?.made ?? this.#current;
  }

  async #write(owner: Owner, needs: Needs): Promise<InjectedFiles> {
    if (this.#current.problem() !== null) this.#all.push(this.#current = await this.#makeAgain());
    const made = this.#current;
    this.#homes.set(owner, { made, connections: connectionsBy(needs) });
    const names = namesOf(owner);
    const pathOf = (name: string) => join(made.path, name);
    const first = firstConfiguration({
      socket: owner === "check" ? null : pathOf(names.socket),
      serverState: needs.loadsServerState ? pathOf(names.serverState) : null,
    });
    await made.write(names.first, first);
    await made.write(names.last, lastConfiguration(needs, this.#secret));
    if (needs.loadsServerState) await made.write(names.serverState, NO_SERVERS);
    return { first: pathOf(names.first), last: pathOf(names.last) };
  }

  async #removeFilesOf(owner: Owner): Promise<void> {
    const made = this.#madeFor(owner);
    const removed = await Promise.all(
      Object.values(namesOf(owner)).map((name) => made.removeFile(name)),
    );
    if (removed.includes(false)) return void this.#unremoved.add(owner);
    this.#unremoved.delete(owner);
    this.#homes.delete(owner);
  }
}
