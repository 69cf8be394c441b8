import assert from "node:assert/strict";
import { NO_TARGETS, type Targets, type Use } from "../../../../lib/loaded/targets.ts";
import type { Failure } from "../../../../lib/haproxy/failure/failure.ts";
import { endReload, endStart } from "../../../../lib/supervisor/decisions/handoff_result.ts";
import { firstDecision } from "../../../../lib/supervisor/decisions/reload.ts";
import type { Action, StateOf } from "../../../../lib/supervisor/state/events.ts";
import type { Fingerprint } from "../../../../lib/watch/scan/fingerprint.ts";
import {
  content,
  decideAll,
  EVENTS,
  expectState,
  failed,
  find,
  hotApplyEnded,
  names,
  POLICY,
  SERVICE,
  STATES,
} from "../samples.ts";

/** The text of the first line that `actions` write. */
function firstLine(actions: readonly Action[]): string | undefined {
  return actions.flatMap((action) => action.name === "log" ? [action.entry.text] : [])[0];
}

for (const fingerprint of [content("new"), null]) {
  const what = fingerprint === null ? "sources that cannot be read" : "its sources";
  Deno.test(`the first decision starts generation 1 with ${what}, taking over from nobody`, () => {
    const attempt = { number: 1, fingerprint, cause: { tag: "start" } };
    assert.deepEqual(firstDecision(fingerprint), [
      {
        name: "starting",
        attempt,
        pending: { order: null, changedDuringRead: false },
        lost: null,
        draining: [],
        ending: [],
        lastStartMs: -Infinity,
        isSlowdownTold: false,
        respawnedMs: [],
      },
      [{ name: "start_handoff", attempt, takeOverFrom: null }],
    ]);
  });
}

Deno.test("the first generation that serves replaces nobody, and no interval counts from it", () => {
  const [next, actions] = endStart(STATES.starting, EVENTS.handoff_ended, POLICY);
  assert.deepEqual(next, {
    name: "serving",
    serving: {
      ...{ number: 1, version: "3.4.0", fingerprint: content("new"), changedDuringRead: false },
      uses: NO_TARGETS,
    },
    draining: [],
    ending: [],
    isSlowdownTold: false,
    lastGeneration: 1,
    lastStartMs: -Infinity,
    respawnedMs: [],
    rejected: null,
  });
  assert.equal(firstLine(actions), "generation 1 serves, ready after 30ms");
});

const START_FAILURES: readonly (readonly [failure: Failure, exitCode: number])[] = [
  [{ tag: "died", ending: { tag: "exited", code: 1 } }, 1],
  [{ tag: "died", ending: { tag: "signaled", code: 139, signal: "SIGSEGV" } }, 139],
  [{ tag: "not_spawned", reason: "No such file or directory", exitCode: 127 }, 127],
  [{ tag: "not_prepared", reason: "the disk is full", exitCode: 73 }, 73],
  [{ tag: "timed_out", afterMs: 60_000 }, 1],
];

for (const [failure, exitCode] of START_FAILURES) {
  Deno.test(`a first start that fails as ${failure.tag} ends with ${exitCode}, retried or not`, () => {
    for (const mayPass of [true, false]) {
      const outcome = { tag: "failed", failure, mayPass, alerts: [] } as const;
      const [next, actions] = endStart(
        STATES.starting,
        { name: "handoff_ended", outcome, atMs: 10_000 },
        POLICY,
      );
      assert.deepEqual(next, { name: "stopping", exitCode });
      assert.deepEqual(names(actions), ["log", "cancel_handoff", "clear_timer", "terminate_all"]);
      assert.match(firstLine(actions)!, new RegExp(`nothing serves, ending with ${exitCode}$`));
    }
  });
}

Deno.test("a cancelled handoff decides nothing", () => {
  const event = { name: "handoff_ended", outcome: { tag: "cancelled" }, atMs: 10_000 } as const;
  assert.deepEqual(endStart(STATES.starting, event, POLICY), [STATES.starting, []]);
  assert.deepEqual(endReload(STATES.reloading, event, POLICY), [STATES.reloading, []]);
});

Deno.test("a reload forgets the failure before it and keeps the start's time", () => {
  const rejected = {
    generation: 2,
    fingerprint: content("bad"),
    changedDuringRead: false,
    failures: 3,
  };
  const state = { ...STATES.reloading, rejected, lastStartMs: 7_000 };
  const [next] = endReload(state, EVENTS.handoff_ended, POLICY);
  assert.deepEqual(next, {
    name: "serving",
    serving: {
      ...{ number: 4, version: "3.4.0", fingerprint: content("new"), changedDuringRead: false },
      uses: NO_TARGETS,
    },
    draining: [2, 3],
    ending: [],
    isSlowdownTold: false,
    lastGeneration: 4,
    lastStartMs: 7_000,
    respawnedMs: [],
    rejected: null,
  });
});

Deno.test("a rejected generation's number is not used again", () => {
  const [next] = endReload(STATES.reloading, failed({ mayPass: false }), POLICY);
  assert.deepEqual(next, {
    ...SERVICE,
    name: "serving",
    lastGeneration: 4,
    rejected: { generation: 4, changedDuringRead: false, fingerprint: content("new"), failures: 1 },
  });
});

Deno.test("a rejection says why, what changed, who serves and when it is tried again", () => {
  const text = "generation 4 rejected: haproxy exited with 1 before it was ready " +
    '(changed: "/haproxy.cfg"); generation 3 keeps serving, ';
  const lineOf = (mayPass: boolean) =>
    firstLine(endReload(STATES.reloading, failed({ mayPass }), POLICY)[1]);
  assert.equal(lineOf(false), `${text}tried again when a source changes`);
  assert.equal(lineOf(true), `${text}tried again in 1s`);
});

Deno.test("what is ended because too many drain is told with the limit, before it is done", () => {
  const [, actions] = endReload(STATES.reloading, EVENTS.handoff_ended, {
    ...POLICY,
    maxDraining: 1,
  });
  assert.deepEqual(names(actions), ["drain", "log", "log", "terminate"]);
  const lines = actions.flatMap((action) => action.name === "log" ? [action.entry] : []);
  assert.equal(
    lines[1]?.text,
    "more than 1 old processes drain; generation 2, the oldest, is ended",
  );
  assert.equal(lines[1]?.fields.generation, 2);
});

const CERTIFICATE: Use = {
  ...{ tag: "certificate", path: "/a.pem", name: "/a.pem", keyPath: null, isMember: false },
};
const USES: Targets = { byPath: new Map([["/a.pem", [CERTIFICATE]]]), replacesCrt: false };

/** A configuration and a certificate with these contents. */
function withCertificate(configuration: string, certificate: string): Fingerprint {
  const { files } = content(configuration);
  const mark = { content: certificate, modifiedMs: 0, stamp: certificate };
  return {
    digest: `${configuration} ${certificate}`,
    files: new Map([...files, ["/a.pem", mark]]),
  };
}

/** The configuration and the certificate are others than those that are served. */
const [BEFORE, AFTER] = [withCertificate("served", "old"), withCertificate("new", "renewed")];
const RENEWING = {
  ...STATES.reloading,
  serving: { ...SERVICE.serving, fingerprint: BEFORE, uses: USES },
  attempt: { ...STATES.reloading.attempt, fingerprint: AFTER },
} satisfies StateOf<"reloading">;

Deno.test("what serves is given the renewed certificates of a reload that was rejected", () => {
  const [next, actions] = endReload(RENEWING, failed({ mayPass: false }), POLICY);
  const { attempt, rejection, serving } = expectState(next, "hot_applying");
  assert.deepEqual(attempt, { fingerprint: AFTER, cause: { tag: "change" } });
  assert.deepEqual(rejection, {
    rejected: { generation: 4, fingerprint: AFTER, changedDuringRead: false, failures: 1 },
    retryMs: null,
  });
  assert.equal(serving, RENEWING.serving);
  assert.deepEqual(names(actions), ["log", "discard", "hot_apply"]);
  assert.deepEqual(find(actions, "hot_apply"), {
    name: "hot_apply",
    generation: 3,
    request: { changed: [CERTIFICATE], uses: USES, before: BEFORE, after: AFTER, isPart: true },
  });
});

Deno.test("after that the rejected sources are verified, and a retry comes in its time", () => {
  const fingerprint = withCertificate("served", "renewed");
  for (const mayPass of [true, false]) {
    const events = [failed({ mayPass }), hotApplyEnded({ fingerprint })];
    const [next, actions] = decideAll(RENEWING, events);
    const { serving, rejected } = expectState(next, mayPass ? "retrying" : "serving");
    assert.equal(serving.fingerprint, fingerprint);
    assert.equal(rejected?.fingerprint, AFTER);
    assert.deepEqual(names(actions), mayPass ? ["verify", "set_timer"] : ["verify"]);
    assert.deepEqual(find(actions, "verify"), {
      name: "verify",
      generation: 4,
      fingerprint: AFTER,
    });
    assert.equal(find(actions, "set_timer")?.delayMs, mayPass ? 1_000 : undefined);
  }
});

const KEPT: Readonly<Record<string, Partial<StateOf<"reloading">>>> = {
  "none was renewed": {
    attempt: { ...RENEWING.attempt, fingerprint: withCertificate("new", "old") },
  },
  "nobody knows what serves": { serving: { ...RENEWING.serving, fingerprint: null } },
  "nobody knows what was rejected": { attempt: { ...RENEWING.attempt, fingerprint: null } },
};

for (const [why, more] of Object.entries(KEPT)) {
  Deno.test(`a rejected reload leaves the certificates alone if ${why}`, () => {
    const [next, actions] = endReload({ ...RENEWING, ...more }, failed({ mayPass: false }), POLICY);
    assert.equal(next.name, "serving");
    assert.ok(!names(actions).includes("hot_apply"));
  });
}

Deno.test("a change during the read keeps no certificate from what serves", () => {
  const changed = [
    { serving: { ...RENEWING.serving, changedDuringRead: true } },
    { pending: { order: null, changedDuringRead: true } },
  ];
  for (const more of changed) {
    const [next] = endReload({ ...RENEWING, ...more }, failed({ mayPass: false }), POLICY);
    assert.equal(next.name, "hot_applying");
  }
});

Deno.test("a rejected reload leaves the certificates alone where nothing is changed in place", () => {
  const policy = { ...POLICY, hotApply: false };
  const [next, actions] = endReload(RENEWING, failed({ mayPass: false }), policy);
  assert.equal(next.name, "serving");
  assert.deepEqual(names(actions), ["log", "discard", "verify"]);
});
