/** Handoffs that never start a process; the end-to-end tests start real ones. */
import assert from "node:assert/strict";
import { Fleet } from "../../../../lib/haproxy/drain/fleet.ts";
import { handoff, type HandoffParts } from "../../../../lib/haproxy/handoff/handoff.ts";
import { Standby } from "../../../../lib/haproxy/handoff/standby.ts";
import { MadeFolder } from "../../../../lib/haproxy/private_folder/made_folder.ts";
import {
  type Owner,
  PrivateFolder,
} from "../../../../lib/haproxy/private_folder/private_folder.ts";
import { START_REQUEST } from "./start_request.ts";

type Prepare = PrivateFolder["prepare"];
type Forget = PrivateFolder["forget"];

class ScriptedFolder extends PrivateFolder {
  readonly #prepare: Prepare;
  readonly #forget: Forget;

  constructor(prepare: Prepare, forget: Forget) {
    super(new MadeFolder("/", 0), () => Promise.reject(new Error("never")));
    this.#prepare = prepare;
    this.#forget = forget;
  }

  override prepare(...args: Parameters<Prepare>): ReturnType<Prepare> {
    return this.#prepare(...args);
  }

  override forget(owner: Owner): Promise<void> {
    return this.#forget(owner);
  }
}

/** For a start whose files are written by `prepare`. */
function partsOf(
  prepare: Prepare,
  forget: Forget = () => Promise.resolve(),
  readyTimeoutMs = 20,
): HandoffParts {
  const folder = new ScriptedFolder(prepare, forget);
  const settings = {
    pauseOnBindConflict: false,
    readyTimeoutMs,
    userSocket: null,
  };
  const fleet = new Fleet({ onEnd() {}, onEmpty() {}, onRefused() {} }, null);
  const standby = new Standby({ settings, folder, fleet, configurations: [], limitMs: 0 });
  return { settings, folder, fleet, standby, log() {} };
}

const REQUEST = {
  ...START_REQUEST,
  sharesPorts: true,
  learn: () => Promise.resolve(),
  cancel: new AbortController().signal,
};

Deno.test("a start that times out before there is a process may be retried", async () => {
  const outcome = await handoff(REQUEST, partsOf(() => new Promise(() => {})));
  assert.deepEqual(outcome, {
    tag: "failed",
    failure: { tag: "timed_out", afterMs: 20 },
    mayPass: true,
    alerts: [],
  });
});

Deno.test("files written after a start was given up are removed", async () => {
  const written = Promise.withResolvers<{ first: string; last: string }>();
  const forgotten = Promise.withResolvers<Owner>();
  const parts = partsOf(() => written.promise, async (generation) => {
    await Promise.resolve();
    forgotten.resolve(generation);
  });
  const { tag } = await handoff(REQUEST, parts);
  assert.equal(tag, "failed");
  written.resolve({ first: "/none/1-first.cfg", last: "/none/1-last.cfg" });
  assert.equal(await forgotten.promise, 1);
});

Deno.test("a handoff that was cancelled before it began starts nothing", async () => {
  const outcome = await handoff(
    { ...REQUEST, cancel: AbortSignal.abort() },
    partsOf(() => new Promise(() => {})),
  );
  assert.deepEqual(outcome, { tag: "cancelled" });
});

Deno.test("a handoff writes nothing while a standby process with the same files is prepared", async () => {
  const order: string[] = [];
  const first = Promise.withResolvers<never>();
  const prepare = async () => {
    order.push("begun");
    await first.promise.finally(() => order.push("ended"));
    throw new Error("never");
  };
  const parts = partsOf(prepare, undefined, 10_000);
  const waiting = parts.standby.begin(REQUEST);
  const outcome = handoff(REQUEST, parts);
  // By now it would have begun as well.
  await new Promise((resolve) => setTimeout(resolve));
  first.reject(new Error("full"));
  await waiting;
  assert.equal((await outcome).tag, "failed");
  assert.deepEqual(order, ["begun", "ended", "begun", "ended"]);
});
