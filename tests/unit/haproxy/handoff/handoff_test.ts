/** What comes of a handoff that does not even get to a process; the process tests start real ones. */
import assert from "node:assert/strict";
import { Fleet } from "../../../../lib/haproxy/drain/fleet.ts";
import { handoff, type HandoffOptions } from "../../../../lib/haproxy/handoff/handoff.ts";
import type {
  Owner,
  PrivateFolder,
} from "../../../../lib/haproxy/private_folder/private_folder.ts";
import { Standby } from "../../../../lib/haproxy/handoff/standby.ts";
import { NO_NEEDS } from "../../../../lib/config/needs.ts";

/** Options of a start whose files are written by `prepare`. */
function optionsOf(
  prepare: PrivateFolder["prepare"],
  forget: PrivateFolder["forget"] = () => Promise.resolve(),
): HandoffOptions {
  const folder: PrivateFolder = {
    path: "/none",
    probeDirectory: () => null,
    adopt() {},
    socket: (generation) => ({ path: `/none/${generation}.sock`, problem: () => null }),
    serverState: () => ({ path: "/none/1.state", write: () => Promise.resolve() }),
    connectionsOf: () => null,
    prepare,
    forget,
    forgetServerState: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
  const options = {
    ...{
      haproxy: { options: [], configurations: [], filesAfterDashes: null, directory: null },
      envFile: null,
    },
    ...{
      needs: () => NO_NEEDS,
      onServerStateLost() {},
      sharesPorts: () => true,
      pauseOnBindConflict: false,
      onPauseEnd() {},
      userSocket: null,
      folder,
      fleet: new Fleet({ onEnd() {}, onEmpty() {}, onRefused() {} }, null),
    },
  };
  return {
    ...options,
    ...{ readyTimeoutMs: 20, learn: () => Promise.resolve() },
    standby: new Standby({ ...options, configurations: [], limitMs: 0 }),
  };
}

const REQUEST = { generation: 1, takeOverFrom: null, files: [] };
const never = () => new AbortController().signal;

Deno.test("a start that hangs before there is a process may be faster the next time", async () => {
  const outcome = await handoff(REQUEST, optionsOf(() => new Promise(() => {})), never());
  assert.deepEqual(outcome, {
    tag: "failed",
    failure: { tag: "timed_out", afterMs: 20 },
    mayPass: true,
    alerts: [],
  });
});

Deno.test("what is written after a start was given up is removed", async () => {
  const written = Promise.withResolvers<{ first: string; last: string }>();
  const forgotten = Promise.withResolvers<Owner>();
  const options = optionsOf(() => written.promise, async (generation) => {
    await Promise.resolve();
    forgotten.resolve(generation);
  });
  const { tag } = await handoff(REQUEST, options, never());
  assert.equal(tag, "failed");
  written.resolve({ first: "/none/1-first.cfg", last: "/none/1-last.cfg" });
  assert.equal(await forgotten.promise, 1);
});

Deno.test("nothing is written while a process that is to wait is prepared, of the same files", async () => {
  const order: string[] = [];
  const first = Promise.withResolvers<never>();
  const options = optionsOf(async () => {
    order.push("begun");
    await first.promise.finally(() => order.push("ended"));
    throw new Error("never");
  });
  const waiting = options.standby.begin(REQUEST);
  const outcome = handoff(REQUEST, { ...options, readyTimeoutMs: 10_000 }, never());
  // By then it would have begun as well.
  await new Promise((resolve) => setTimeout(resolve));
  first.reject(new Error("full"));
  await waiting;
  assert.equal((await outcome).tag, "failed");
  assert.deepEqual(order, ["begun", "ended", "begun", "ended"]);
});
