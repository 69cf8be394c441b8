/** Diagnoses by processes that do not end; the end-to-end tests have real ones. */
import assert from "node:assert/strict";
import { NO_NEEDS } from "../../../../lib/config/needs.ts";
import { diagnose, type DiagnosisOptions } from "../../../../lib/haproxy/handoff/diagnosis.ts";
import type { HaproxyProcess } from "../../../../lib/haproxy/process/process.ts";

const REQUEST = {
  generation: 2,
  takeOverFrom: null,
  files: [],
  origin: {
    haproxy: { options: [], configurations: [], filesAfterDashes: null, directory: null },
    envFile: null,
    needs: () => NO_NEEDS,
  },
};

/** As in state D, where not even SIGKILL ends it. */
class Stuck {
  readonly signals: string[] = [];
  readonly forgotten: unknown[] = [];

  options(stop: AbortSignal, readyTimeoutMs: number): DiagnosisOptions {
    const never = new Promise<never>(() => {});
    const signal = (name: string) => void this.signals.push(name);
    const process = { pid: 1, ended: never, output: never, signal } as unknown as HaproxyProcess;
    const parts = {
      folder: {
        prepare: () => Promise.resolve({}),
        forget: (owner: unknown) => Promise.resolve(void this.forgotten.push(owner)),
      },
      fleet: {
        spawn: (owner: unknown) =>
          owner === "check" && this.signals.length === 0
            ? { tag: "spawned", process }
            : { tag: "not_spawned", reason: "" },
      },
      settings: { readyTimeoutMs },
    } as unknown as DiagnosisOptions["parts"];
    return { parts, environment: {}, failedAfterMs: 0, stop };
  }
}

Deno.test("a check that nothing ends holds up no reload: its limit, and a second after SIGKILL", async () => {
  const stuck = new Stuck();
  const found = await diagnose(REQUEST, stuck.options(new AbortController().signal, 20));
  assert.deepEqual(found, { mayPass: true, alerts: [] });
  assert.deepEqual([stuck.signals, stuck.forgotten], [["SIGKILL"], ["check"]]);
});

Deno.test("nor is it waited for once its answer is no longer needed", async () => {
  const stuck = new Stuck();
  const stop = new AbortController();
  const found = diagnose(REQUEST, stuck.options(stop.signal, 600_000));
  setTimeout(() => stop.abort(), 20);
  assert.deepEqual(await found, { mayPass: true, alerts: [] });
  assert.deepEqual(stuck.signals, ["SIGKILL"]);
});
