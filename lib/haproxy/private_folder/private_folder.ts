/** The wrapper's private folder: the stats socket of each generation, and the files that the wrapper adds to its configuration. */
import { join } from "@std/path";
import type { Needs } from "../../config/needs.ts";
import { mkdir } from "../../system/files.ts";
import { systemReason } from "../../text/system_reason.ts";
import type { InjectedFiles } from "../process/arguments.ts";
import type { PrivateSocket } from "../runtime/client.ts";
import type { Claim } from "./claim.ts";
import { connectionsBy, firstConfiguration, lastConfiguration, NO_SERVERS } from "./injected.ts";
import { FOLDER_PREFIX, type MadeFolder, makeFolder } from "./made_folder.ts";

/** Whose files they are: a generation's, or those of a check. */
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
  `cannot make a private folder: found ${reason}; wanted a directory that can be written and that ` +
  "no other user can replace, for instance a tmpfs that is mounted at /tmp";

/**
 * Makes the folder, of mode 0700, in the first of `parents` that can be written and that can be trusted. It is
 * claimed, as is any that has to be made in its place.
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

/** Of the generation that the private file `path` configures; `null` if it configures none. */
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
});

/** Where an owner's files were written, and how many connections its stats sockets may have. */
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
  /** Those with files that could not be removed, for instance while the disk was read-only. */
  readonly #left = new Set<Owner>();
  #current: MadeFolder;
  /** A start that was given up may still be writing when the folder is removed. */
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
   * Where nothing else happens. Each reload causes a dozen events and more beside it, and Deno 2.6 drops those that
   * come while 16 wait: a change of the configuration could be among them. `null` if the folder is not ours any more.
   */
  probeDirectory(): string | null {
    return this.#current.problem() === null ? join(this.path, PROBE) : null;
  }

  /** From now on a leftover process counts as that generation. */
  adopt(generation: number, socket: PrivateSocket): void {
    this.#adopted.set(generation, socket);
  }

  socket(generation: number): PrivateSocket {
    return this.#adopted.get(generation) ??
      this.#madeFor(generation).socket(namesOf(generation).socket);
  }

  /** As `connectionsBy` says. */
  connectionsOf(generation: number): number | null {
    return this.#homes.get(generation)?.connections ?? null;
  }

  /** The last state of its servers, which a generation loads if it was prepared for that. */
  serverState(generation: number): PrivateFile {
    const made = this.#madeFor(generation);
    const { serverState } = namesOf(generation);
    return {
      path: join(made.path, serverState),
      write: (text) => made.write(serverState, text),
    };
  }

  /**
   * Writes the files of a generation, in a new folder if the old one is not ours any more. A state of servers is
   * empty at first.
   * @throws the system's error, for instance when the disk is full.
   */
  async prepare(owner: Owner, needs: Needs): Promise<InjectedFiles> {
    if (this.#isRemoved) throw new Deno.errors.NotFound("the wrapper ends");
    const writing = this.#write(owner, needs);
    this.#lastWriting = writing.catch(() => {});
    return await writing;
  }

  /** Nothing reads the state of servers after the start. */
  async forgetServerState(generation: number): Promise<void> {
    await this.#madeFor(generation).removeFrom(namesOf(generation).serverState);
  }

  /** Removes the files of a generation that is gone, and of earlier ones where that failed. */
  async forget(owner: Owner): Promise<void> {
    // A later one may be about to write its files again.
    const earlier = [...this.#left].filter((one) => one < owner);
    await Promise.all([...earlier, owner].map((one) => this.#removeFilesOf(one)));
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
      Object.values(namesOf(owner)).map((name) => made.removeFrom(name)),
    );
    if (removed.includes(false)) return void this.#left.add(owner);
    this.#left.delete(owner);
    this.#homes.delete(owner);
  }
}
