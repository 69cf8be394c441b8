/** What can happen to the disk of the private folder. Only root can inject it. */
import { join } from "@std/path";
import { command } from "../world/command.ts";
import type { Fault } from "../fault.ts";
import { ROOT } from "../../support/needs.ts";
import { finish } from "../../support/wrapper/workspace.ts";
import type { World } from "../world/world.ts";

const filler = (world: World) => join(world.runtimeDirectory, "filler");
const moved = (world: World) => join(world.runtimeDirectory, ".moved");

const FULL: Fault = {
  name: "the private folder is full",
  needs: ROOT,
  async inject(world) {
    await fill(filler(world));
    await world.change();
  },
  heal: (world) => Deno.remove(filler(world)),
  expects: { tag: "rejected", reason: /cannot write to the private folder .*No space left/ },
};

const READ_ONLY: Fault = {
  name: "the private folder becomes read-only",
  needs: ROOT,
  async inject(world) {
    await command("mount", "-o", "remount,ro", world.runtimeDirectory);
    await world.change();
  },
  heal: (world) => command("mount", "-o", "remount,rw", world.runtimeDirectory),
  expects: { tag: "rejected", reason: /cannot write to the private folder .*Read-only/ },
};

/** A process ends while none of its files can be removed. */
const READ_ONLY_AT_AN_END: Fault = {
  name: "the private folder is read-only when an old process ends",
  needs: ROOT,
  async inject(world) {
    const { servingGeneration } = world;
    const request = await world.openRequest();
    await world.change();
    await world.serves(world.wanted, world.wrapper);
    await command("mount", "-o", "remount,ro", world.runtimeDirectory);
    await finish(request);
    const drained = `generation ${servingGeneration} drained`;
    await world.wrapper.until(drained, async () => {
      // Until the old process stops listening, a new connection may reach it again.
      await world.traffic.renewLongLived();
      return world.wrapper.output.includes(drained);
    });
  },
  async heal(world) {
    await command("mount", "-o", "remount,rw", world.runtimeDirectory);
    await world.change();
  },
  expects: { tag: "served" },
  served: 2,
};

/** The wrapper finds it deleted; only a test can bring its sockets back. */
function gone(): Fault {
  let original = "";
  return {
    name: "the private folder is deleted",
    needs: ROOT,
    async inject(world) {
      original = world.privateFolder;
      await Deno.rename(original, moved(world));
      await world.change();
    },
    async heal(world) {
      await Deno.remove(original, { recursive: true }).catch(() => {});
      await Deno.rename(moved(world), original);
    },
    expects: { tag: "rejected", reason: /the private socket .*sock" is gone/ },
    stalls: true,
  };
}

export const FOLDER_FAULTS = (): readonly Fault[] => [FULL, READ_ONLY, READ_ONLY_AT_AN_END, gone()];

async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  try {
    for (;;) await file.write(new Uint8Array(4_096));
  } catch (error) {
    if (!/No space left/.test(`${error}`)) throw error;
  }
}
