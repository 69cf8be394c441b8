import assert from "node:assert/strict";
import { NO_COUNTS } from "../../../lib/status/history/counters.ts";
import { statusReport } from "../../../lib/status/report.ts";
import type { Awaited, StateName } from "../../../lib/supervisor/state/state.ts";
import { STATES } from "../supervisor/samples.ts";
import { change, content, live, NOW_MS, SAMPLES, SERVICE, snapshot } from "./samples.ts";

const FAILURE = {
  generation: 8,
  reason: "haproxy exited with 1 before it was ready",
  alerts: ["[ALERT] x"],
  sinceMs: NOW_MS - 2_000,
  lastTriedMs: NOW_MS - 1_000,
};

Deno.test("the serving generation has its process, digest and files", () => {
  const digest = SERVICE.serving.fingerprint!.digest;
  const { serving, ready, healthy, reason, lastFailure } = statusReport(snapshot({
    history: {
      processes: new Map([live(7, 5_000)]),
      desired: { digest, sinceMs: NOW_MS },
      failure: null,
    },
  }));
  assert.deepEqual([ready, healthy, reason, lastFailure], [true, true, null, null]);
  assert.equal(serving?.generation, 7);
  assert.equal(serving?.pid, 1_007);
  assert.equal(serving?.since, new Date(NOW_MS - 5_000).toISOString());
  assert.equal(serving?.digest, digest);
  assert.equal(serving?.servesDesired, true);
  assert.deepEqual(
    serving?.files.map(({ path }) => path),
    [...SERVICE.serving.fingerprint!.files.keys()],
  );
});

Deno.test("a memory limit comes with what is left of it", () => {
  assert.equal(statusReport(snapshot()).memory, null);
  const memory = { limit: 512, available: 90 };
  assert.deepEqual(statusReport(snapshot({ memory })).memory, {
    limitBytes: 512,
    availableBytes: 90,
  });
});

Deno.test("a digest on disk that is not served is reported", () => {
  const desired = { digest: content("other").digest, sinceMs: NOW_MS - 2_000 };
  const { serving, desired: told } = statusReport(snapshot({ history: { desired } }));
  assert.equal(serving?.servesDesired, false);
  assert.deepEqual(told, {
    digest: desired.digest,
    since: new Date(NOW_MS - 2_000).toISOString(),
  });
});

Deno.test("a generation whose files changed during the read has no digest", () => {
  const serving = { ...SERVICE.serving, changedDuringRead: true };
  const report = statusReport(snapshot({
    state: { name: "serving", service: { ...SERVICE, serving } },
  }));
  assert.deepEqual([report.serving?.digest, report.serving?.servesDesired], [null, false]);
});

Deno.test("a failure has HAProxy's lines, and the next retry if there is one", () => {
  const history = { failure: FAILURE, timerDueMs: NOW_MS + 4_000 };
  const { lastFailure } = statusReport(snapshot({ history, state: STATES.retrying }));
  assert.deepEqual(lastFailure, {
    generation: 8,
    reason: FAILURE.reason,
    alerts: FAILURE.alerts,
    excerpts: [],
    since: new Date(NOW_MS - 2_000).toISOString(),
    lastTried: new Date(NOW_MS - 1_000).toISOString(),
    nextRetry: new Date(NOW_MS + 4_000).toISOString(),
  });
  assert.equal(statusReport(snapshot({ history })).lastFailure?.nextRetry, null);
});

Deno.test("draining processes have their connections, if HAProxy says", () => {
  const processes = new Map([live(5, 9_000, 7_000), live(6, 8_000, 500), live(7, 1_000)]);
  const { draining } = statusReport(snapshot({
    history: { processes },
    connections: new Map([[6, 3]]),
  }));
  assert.deepEqual(draining, [
    {
      generation: 5,
      pid: 1_005,
      since: new Date(NOW_MS - 7_000).toISOString(),
      connections: null,
    },
    { generation: 6, pid: 1_006, since: new Date(NOW_MS - 500).toISOString(), connections: 3 },
  ]);
});

Deno.test("a waiting reload has its reason and its end", () => {
  const history = { timerDueMs: NOW_MS + 4_000 };
  const until = new Date(NOW_MS + 4_000).toISOString();
  const waitingFor = (awaits: Awaited) =>
    statusReport(snapshot({ state: { ...STATES.delaying, awaits }, history })).waiting;
  assert.deepEqual(waitingFor("interval"), { for: "min-reload-interval", until });
  assert.deepEqual(waitingFor("tables"), { for: "stick-tables", until });
  assert.deepEqual(waitingFor("renewal"), { for: "certificate", until });
  const { service } = STATES.retrying;
  const rejected = { ...service.rejected, generation: null, awaited: { sinceMs: 0 } };
  const awaiting = { ...STATES.retrying, service: { ...service, rejected } };
  assert.deepEqual(statusReport(snapshot({ state: awaiting, history })).waiting, {
    for: "whole-files",
    until,
  });
  for (const state of [STATES.serving, STATES.retrying]) {
    assert.equal(statusReport(snapshot({ state, history })).waiting, null);
  }
});

Deno.test("changes and counts are reported", () => {
  const { changes, counts } = statusReport(snapshot({
    history: {
      changes: [change({ durationMs: 12.6, generation: 9 })],
      counts: {
        ...NO_COUNTS,
        hotApplies: new Map([["map success", 2]]),
        bugs: new Map([["", 3]]),
      },
    },
  }));
  assert.deepEqual([changes[0]?.generation, changes[0]?.durationMs], [9, 13]);
  assert.deepEqual([counts.hotApplies, counts.bugs, counts.respawns], [{ "map success": 2 }, 3, 0]);
});

Deno.test("settings are reported by flag", () => {
  const { haproxy: user } = snapshot().settings;
  const given = { haproxy: { ...user, filesAfterDashes: ["b"] }, hotApply: false, settleMs: 20 };
  const { settings } = statusReport(snapshot({ settings: given }));
  const { haproxy, "no-hot-apply": noHotApply, "no-reload": noReload } = settings;
  assert.deepEqual(haproxy, ["-f", "/usr/local/etc/haproxy/haproxy.cfg", "--", "b"]);
  assert.deepEqual([noHotApply, noReload, settings["settle-time"]], [true, false, 20]);
  assert.deepEqual([settings["shutdown-wait"], settings.watch], [null, []]);
  assert.equal(settings["status-listen"], "http://0.0.0.0:9101/");
});

for (const [name, state] of Object.entries(STATES)) {
  Deno.test(`while ${name} the report is complete, and can be sent as JSON`, () => {
    const report = statusReport(snapshot({ state }));
    assert.equal(report.state, name as StateName);
    assert.equal(report.serving !== null, "service" in state);
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  });
}

Deno.test("a degraded state is reported, with the source of what serves", () => {
  const { degraded, ready, serving } = statusReport(SAMPLES.lastGood);
  assert.deepEqual([degraded, ready, serving?.digest, serving?.files], [true, true, null, []]);
  assert.deepEqual(serving?.lastGood, {
    directory: "/var/lib/haproxy/last-good",
    recorded: "2026-11-21T12:03:20.000Z",
  });
  assert.equal(statusReport(SAMPLES.degraded).degraded, true);
  assert.equal(statusReport(SAMPLES.degraded).serving?.lastGood, null);
  for (const one of [SAMPLES.serving, SAMPLES.starting, SAMPLES.notStarted]) {
    assert.equal(statusReport(one).degraded, false);
  }
});
