import assert from "node:assert/strict";
import { constants } from "node:os";
import { oncePerKeystroke, SIGNAL_NUMBERS, SIGNALS } from "../../../lib/system/signals.ts";

const MEANINGS = Object.values(SIGNALS);

/** A program that sends itself every signal of the table, before or after it receives them, and prints their meanings. */
const sendingAll = (when: "early" | "late") => `
  import { listenToSignals, SIGNALS } from ${
  JSON.stringify(import.meta.resolve("../../../lib/system/signals.ts"))
};
  const meanings = [];
  const signals = listenToSignals();
  const take = () => signals.deliverTo((meaning) => meanings.push(meaning));
  if (${when === "late"}) take();
  for (const signal of Object.keys(SIGNALS)) {
    const arrived = Promise.withResolvers();
    Deno.addSignalListener(signal, arrived.resolve);
    Deno.kill(Deno.pid, signal);
    await arrived.promise;
  }
  if (${when === "early"}) take();
  console.log(JSON.stringify(meanings));
  Deno.exit(0);
`;

for (const when of ["early", "late"] as const) {
  Deno.test(`each signal has its meaning and no other effect, however ${when} it arrives`, async () => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", sendingAll(when)],
      stderr: "inherit",
    });
    const { code, stdout } = await command.output();
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), MEANINGS);
  });
}

Deno.test("a signal that stops, reloads or is passed on keeps its own name", () => {
  const named = Object.entries(SIGNALS).flatMap(([name, meaning]) =>
    "signal" in meaning ? [[name, meaning.signal]] : []
  );
  assert.deepEqual(named.map(([name]) => name), [
    "SIGHUP",
    "SIGINT",
    "SIGTERM",
    "SIGUSR2",
    "SIGQUIT",
  ]);
  for (const [name, signal] of named) assert.equal(signal, name);
});

Deno.test("the number of each stop signal is the system's", () => {
  const stops = MEANINGS.flatMap((meaning) => meaning.tag === "stop" ? [meaning.signal] : []);
  assert.deepEqual(Object.keys(SIGNAL_NUMBERS).sort(), stops.toSorted());
  for (const signal of stops) assert.equal(SIGNAL_NUMBERS[signal], constants.signals[signal]);
});

Deno.test("signals that arrive together with a keystroke's count once", () => {
  const heardMs: number[] = [];
  let nowMs = 0;
  const press = oncePerKeystroke(() => heardMs.push(nowMs), () => nowMs);
  for (nowMs of [0, 1, 99, 500, 599, 1_000, 1_100]) press();
  assert.deepEqual(heardMs, [0, 500, 1_000, 1_100]);
});
