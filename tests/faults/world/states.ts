/** Brings a world into a state of the supervisor, and holds it there. */
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { freeze, killQuietly } from "../../support/machine/processes.ts";
import type { StateName } from "../../../lib/supervisor/state/state.ts";
import { World } from "./world.ts";

export interface Held extends AsyncDisposable {
  readonly world: World;
  /** Releases what holds the state. */
  release(): void;
}

/** No signal reaches `ended`. */
export type HeldState = Exclude<StateName, "ended">;

const FOR_EVER = "1h";

export const STATES: Readonly<Record<HeldState, () => Promise<Held>>> = {
  async starting() {
    const world = new World();
    await world.standIn(STAND_INS.never_ready);
    await world.begin(["--ready-timeout", FOR_EVER]);
    await world.wrapper.says(/status, health and metrics on/);
    return await held(world, "starting");
  },
  serving: async () => await held(await World.serving(), "serving"),
  async delaying() {
    const world = await World.serving(["--min-reload-interval", FOR_EVER]);
    await world.change();
    await world.serves(world.wanted, world.wrapper);
    await world.change();
    return await held(world, "delaying");
  },
  async retrying() {
    const world = await World.serving();
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await world.change(`frontend taken\n    mode http\n    bind 127.0.0.1:${taken.addr.port}\n`);
    return await held(world, "retrying", () => taken.close());
  },
  async reloading() {
    const world = await World.serving(["--ready-timeout", FOR_EVER]);
    await world.standIn(STAND_INS.never_ready);
    await world.change();
    return await held(world, "reloading");
  },
  async hot_applying() {
    const world = await World.serving();
    const list = world.at("list.acl");
    await Deno.writeTextFile(list, "/one\n");
    await world.change(
      `backend listed\n    mode http\n    http-request deny if { path -f ${list} }\n`,
    );
    await world.reports(
      "the list",
      ({ serving }) => serving?.files.some(({ path }) => path === list) === true,
      world.wrapper,
    );
    await world.stopTraffic();
    const pid = await world.servingPid();
    await freeze(pid);
    await Deno.writeTextFile(list, "/two\n");
    return await held(world, "hot_applying", () => killQuietly(pid, "SIGCONT"));
  },
  async leaving() {
    const world = await World.serving(["--drain-delay", FOR_EVER]);
    world.wrapper.signal("SIGUSR1");
    return await held(world, "leaving");
  },
  async draining() {
    const world = await World.serving();
    await world.stopTraffic();
    const request = await world.openRequest();
    world.wrapper.signal("SIGUSR1");
    return await held(world, "draining", () => request.close());
  },
  async stopping() {
    const world = await World.serving();
    await world.stopTraffic();
    const pid = await world.servingPid();
    await freeze(pid);
    world.wrapper.signal("SIGTERM");
    return await held(world, "stopping", () => killQuietly(pid, "SIGCONT"));
  },
};

async function held(world: World, state: HeldState, letGo = () => {}): Promise<Held> {
  let isHeld = true;
  const release = () => {
    if (isHeld) letGo();
    isHeld = false;
  };
  const dispose = async () => {
    release();
    await world[Symbol.asyncDispose]();
  };
  try {
    await world.reports(`the state "${state}"`, (report) => report.state === state, world.wrapper);
    return { world, release, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
