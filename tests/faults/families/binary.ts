/** What can be wrong with the program `haproxy`, until it is repaired. */
import { join } from "@std/path";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import type { Fault } from "../fault.ts";
import type { World } from "../world/world.ts";

const inPlace = (world: World) => join(world.binaries, "haproxy");

/** The change is made while the program is broken, and applied once it is repaired. */
const spoilt = (
  name: string,
  spoil: (world: World) => Promise<unknown>,
  reason: RegExp,
): Fault => ({
  name,
  async inject(world) {
    await spoil(world);
    await world.change();
  },
  heal: (world) => world.standIn(STAND_INS.is_haproxy),
  expects: { tag: "rejected", reason },
});

const standsIn = (name: string, standIn: string, reason: RegExp): Fault =>
  spoilt(name, (world) => world.standIn(standIn), reason);

/** The words that start another version of HAProxy, from the environment. */
const OTHER = Deno.env.get("OTHER_HAPROXY") ?? null;

/** As an upgrade does, and then a downgrade. */
const ANOTHER_VERSION: Fault = {
  name: "the binary is replaced by another version, and that by the first one",
  needs: {
    missing: OTHER === null ? "needs OTHER_HAPROXY, the words that start another version" : null,
    isOptional: true,
  },
  async inject(world) {
    const { haproxy: before } = await world.report();
    await world.standIn(`#!/bin/sh\nexec ${OTHER} "$@"\n`);
    await world.change();
    await world.serves(world.wanted, world.wrapper);
    await world.reports("another version", ({ haproxy }) => haproxy !== before, world.wrapper);
  },
  async heal(world) {
    await world.standIn(STAND_INS.is_haproxy);
    await world.change();
  },
  expects: { tag: "served" },
  served: 2,
};

/** It takes twice the 5 s until SIGKILL. */
export const IGNORES_SIGNALS = standsIn(
  "the new process hangs and ignores signals",
  STAND_INS.ignores_term,
  /haproxy did not serve/,
);

export const BINARY_FAULTS = (): readonly Fault[] => [
  spoilt(
    "the binary is missing",
    (world) => Deno.remove(inPlace(world)),
    /cannot start "haproxy" from PATH/,
  ),
  spoilt(
    "the binary may not be executed",
    (world) => Deno.chmod(inPlace(world), 0o644),
    /cannot start "haproxy" from PATH/,
  ),
  standsIn("the binary is no program", "\x7fELF half of it", /cannot start|exited with/),
  standsIn("the binary is empty", "", /exited with 0|cannot start/),
  standsIn("the new process exits before its socket", STAND_INS.dies_before_ready, /exited with 3/),
  standsIn("the new process dies of SIGSEGV", STAND_INS.dies_of_a_signal, /killed by SIGSEGV/),
  standsIn("the new process never answers", STAND_INS.never_ready, /did not serve within/),
  standsIn(
    "the new process answers with another pid",
    STAND_INS.answers_with_another_pid,
    /process \d+ answered in place of \d+/,
  ),
  ANOTHER_VERSION,
];
