/**
 * A clock that jumps, for the wrapper and HAProxy alone: libfaketime is loaded into both by an `/etc` of their
 * own, because the wrapper may not pass LD_PRELOAD on.
 */
import type { Fault } from "./fault.ts";
import { testFamily } from "./family.ts";
import { isThere } from "../support/machine/files.ts";
import { type Need, ROOT } from "../support/needs.ts";
import { World } from "./world/world.ts";

const LIBRARY = ["x86_64", "aarch64"].map((machine) =>
  `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`
).find(isThere);

const FAKETIME: Need = {
  missing: LIBRARY === undefined
    ? "needs libfaketime, as in Debian's package faketime"
    : !runsWith(LIBRARY)
    ? "needs a HAProxy into which libfaketime loads, which has this machine's C library"
    : null,
  isOptional: true,
};

/** How wrong the clock is. */
const OFFSET_FILE = "clock-offset";

async function setClock(world: World, offset: string): Promise<void> {
  await Deno.writeTextFile(world.at(OFFSET_FILE), `${offset}\n`);
}

/** `$0` is the library. */
const LAUNCHER = `cp -a /etc etc && echo "$0" > etc/ld.so.preload && echo +0 > ${OFFSET_FILE} &&
  mount --bind etc /etc && exec "$@"`;

const jumpingWorld = () =>
  World.serving([], {
    launcher: ["sh", "-c", LAUNCHER, LIBRARY!],
    env: {
      FAKETIME_TIMESTAMP_FILE: OFFSET_FILE,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    },
  });

const jumps = (name: string, offset: string): Fault => ({
  name: `the clock jumps ${name}`,
  needs: ROOT.missing === null ? FAKETIME : ROOT,
  async inject(world) {
    await setClock(world, offset);
    await world.change();
  },
  async heal(world) {
    await setClock(world, "+0");
    await world.change();
  },
  expects: { tag: "served" },
  served: 2,
});

testFamily("the clock", [
  jumps("an hour ahead", "+1h"),
  jumps("an hour back", "-1h"),
  jumps("ten years ahead", "+3650d"),
], jumpingWorld);

/** It hangs with a C library other than the one it was built for. */
function runsWith(library: string): boolean {
  const args = ["-s", "KILL", "5", "haproxy", "-v"];
  const env = { LD_PRELOAD: library, FAKETIME: "+0" };
  return new Deno.Command("timeout", { args, env, stderr: "null" }).outputSync().success;
}
