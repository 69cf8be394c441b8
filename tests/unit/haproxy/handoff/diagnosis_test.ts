/** Diagnoses by processes that do not end; the end-to-end tests have real ones. */
import assert from "node:assert/strict";
import { diagnose, type DiagnosisOptions } from "../../../../lib/haproxy/handoff/diagnosis.ts";
import type { HaproxyProcess } from "../../../../lib/haproxy/process/process.ts";
import { START_REQUEST } from "./start_request.ts";

/** As in state D, where not even SIGKILL ends it. */
class Stuck {
  readonly signals: string[] = [];
  readonly forgotten: unknown[] = [];

  options(
    stop: AbortSignal,
    { readyTimeoutMs, onSpawn = () => {} }: {
      readonly readyTimeoutMs: number;
      readonly onSpawn?: () => void;
    },
  ): DiagnosisOptions {
    const never = new Promise<never>(() => {});
    const signal = (name: string) => void this.signals.push(name);
    const process = { pid: 1, ended: never, output: never, signal } as unknown as HaproxyProcess;
    const parts = {
      folder: {
        prepare: () => Promise.resolve({}),
        forget: (owner: unknown) => Promise.resolve(void this.forgotten.push(owner)),
      },
      fleet: {
        spawn: (owner: unknown) => {
          onSpawn();
          return owner === "check" && this.signals.length === 0
            ? { tag: "spawned", process }
            : { tag: "not_spawned", reason: "" };
        },
      },
      settings: { readyTimeoutMs },
    } as unknown as DiagnosisOptions["parts"];
    return { parts, environment: {}, failedAfterMs: 0, stop };
  }
}

Deno.test("a check that nothing ends holds up no reload: its limit, and a second after SIGKILL", async () => {
  const stuck = new Stuck();
  const found = await diagnose(
    START_REQUEST,
    stuck.options(new AbortController().signal, { readyTimeoutMs: 20 }),
  );
  assert.deepEqual(found, { mayPass: true, alerts: [] });
  assert.deepEqual([stuck.signals, stuck.forgotten], [["SIGKILL"], ["check"]]);
});

Deno.test("nor is it waited for once its answer is no longer needed", async () => {
  const stuck = new Stuck();
  const stop = new AbortController();
  const options = { readyTimeoutMs: 600_000, onSpawn: () => stop.abort() };
  const found = await diagnose(START_REQUEST, stuck.options(stop.signal, options));
  assert.deepEqual(found, { mayPass: true, alerts: [] });
  assert.deepEqual(stuck.signals, ["SIGKILL"]);
});
