import assert from "node:assert/strict";
import { constants } from "node:os";
import { oncePerKeystroke, SIGNAL_NUMBERS, SIGNALS } from "../../../lib/system/signals.ts";

const MEANINGS = Object.values(SIGNALS);

/** A program that sends itself signals of the table by `send`, as `body` says, and prints what that returns. */
const sending = (body: string) => `
  import { listenToSignals, SIGNALS } from ${
  JSON.stringify(import.meta.resolve("../../../lib/system/signals.ts"))
};
  const signals = listenToSignals();
  async function send(...names) {
    for (const signal of names) {
      const arrived = Promise.withResolvers();
      Deno.addSignalListener(signal, arrived.resolve);
      Deno.kill(Deno.pid, signal);
      await arrived.promise;
    }
  }
  const answer = await (async () => {${body}})();
  console.log(JSON.stringify(answer));
  Deno.exit(0);
`;

async function answerOf(body: string): Promise<unknown> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", sending(body)],
    stderr: "inherit",
  });
  const { code, stdout } = await command.output();
  assert.equal(code, 0);
  return JSON.parse(new TextDecoder().decode(stdout));
}

for (const when of ["early", "late"] as const) {
  Deno.test(`each signal has its meaning and no other effect, however ${when} it arrives`, async () => {
    const meanings = await answerOf(`
      const meanings = [];
      const take = () => signals.deliverTo((meaning) => meanings.push(meaning));
      if (${when === "late"}) take();
      await send(...Object.keys(SIGNALS));
      if (${when === "early"}) take();
      return meanings;
    `);
    assert.deepEqual(meanings, MEANINGS);
  });
}

Deno.test("signals before and during work are looked at, and wait for the next receiver", async () => {
  const answer = await answerOf(`
    const looked = [], received = [];
    await send("SIGUSR1");
    const result = await signals.holdDuring(async () => {
      await send("SIGHUP");
      return "done";
    }, { look: (meaning) => looked.push(meaning) });
    await send("SIGTERM");
    signals.deliverTo((meaning) => received.push(meaning));
    return { result, looked, received };
  `);
  const [drain, reload, stop] = [SIGNALS.SIGUSR1, SIGNALS.SIGHUP, SIGNALS.SIGTERM];
  assert.deepEqual(answer, {
    result: "done",
    looked: [drain, reload],
    received: [drain, reload, stop],
  });
});

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
