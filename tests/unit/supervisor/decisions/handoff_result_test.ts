import assert from "node:assert/strict";
import type { Failure } from "../../../../lib/haproxy/failure/failure.ts";
import type { Target, Targets } from "../../../../lib/loaded/targets.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import { endReload, endStart } from "../../../../lib/supervisor/decisions/handoff_result.ts";
import type { StateOf } from "../../../../lib/supervisor/state/state.ts";
import type { Fingerprint } from "../../../../lib/watch/scan/fingerprint.ts";
import {
  content,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  failed,
  find,
  hotApplyEnded,
  linesOf,
  names,
  POLICY,
  ready,
  rejected,
  SERVICE,
  settled,
  STATES,
  withPast,
  withService,
} from "../samples.ts";

Deno.test("the first generation replaces none, and starts no reload interval", () => {
  const [next, actions] = endStart(STATES.starting, EVENTS.handoff_ended, POLICY);
  const serving = { ...SERVICE.serving, number: 1, fingerprint: content("new") };
  const { past } = STATES.starting;
  const service = { serving, lastGeneration: 1, rejected: null, past };
  assert.deepEqual(next, { name: "serving", service });
  assert.deepEqual(linesOf(actions), ["generation 1 serves, ready after 30ms"]);
});

const START_FAILURES: readonly (readonly [failure: Failure, exitCode: number])[] = [
  [{ tag: "died", ending: { tag: "exited", code: 1 } }, 1],
  [{ tag: "died", ending: { tag: "signaled", code: 139, signal: "SIGSEGV" } }, 139],
  [{ tag: "not_spawned", reason: "No such file or directory", exitCode: 127 }, 127],
  [{ tag: "not_prepared", reason: "the disk is full", exitCode: 73 }, 73],
  [{ tag: "timed_out", afterMs: 60_000 }, 1],
];

for (const [failure, exitCode] of START_FAILURES) {
  Deno.test(`a first start that fails with ${failure.tag} exits with ${exitCode} and is not retried`, () => {
    for (const mayPass of [true, false]) {
      const outcome = { tag: "failed", failure, mayPass, alerts: [] } as const;
      const event = { name: "handoff_ended", outcome, atMs: 10_000 } as const;
      const [next, actions] = endStart(STATES.starting, event, POLICY);
      assert.deepEqual(next, { name: "stopping", exitCode });
      assert.equal(actions.at(-1)?.name, "terminate_all");
      assert.match(linesOf(actions)[0]!, new RegExp(`nothing serves, exiting with ${exitCode}$`));
    }
  });
}

Deno.test("a cancelled handoff changes nothing", () => {
  const event = { name: "handoff_ended", outcome: { tag: "cancelled" }, atMs: 10_000 } as const;
  for (const state of [STATES.starting, STATES.reloading]) {
    assert.deepEqual(decide(state, event, POLICY), [state, []]);
  }
});

Deno.test("the new generation serves, the old one drains, and an earlier failure is forgotten", () => {
  const past = { lastStartMs: 7_000 };
  const state = withPast(withService(STATES.reloading, { rejected: rejected("bad") }), past);
  const [next, actions] = endReload(state, EVENTS.handoff_ended, POLICY);
  assert.deepEqual(expectService(next, "serving"), {
    serving: { ...SERVICE.serving, number: 4, fingerprint: content("new") },
    lastGeneration: 4,
    rejected: null,
    past: { ...SERVICE.past, ...past, old: { draining: [2, 3], ending: [] } },
  });
  assert.deepEqual(actions[0], { name: "drain", generation: 3 });
});

for (const mayPass of [true, false]) {
  Deno.test(`a failed reload leaves the serving generation alone (${mayPass ? "with" : "without"} a retry)`, () => {
    const [next, actions] = decide(STATES.reloading, failed({ mayPass }), POLICY);
    assert.deepEqual(expectService(next, mayPass ? "retrying" : "serving"), {
      ...SERVICE,
      lastGeneration: 4,
      rejected: rejected("new"),
    });
    const wanted = ["log", "discard", "verify", ...(mayPass ? ["set_timer"] : [])];
    assert.deepEqual(names(actions), wanted);
    assert.deepEqual(actions[1], { name: "discard", generation: 4 });
    assert.deepEqual(linesOf(actions), [
      'generation 4 rejected: haproxy exited with 1 before it was ready (changed: "/haproxy.cfg"); ' +
      `generation 3 keeps serving; retry ${mayPass ? "in 1s" : "when a file changes"}`,
    ]);
  });
}

Deno.test("a version whose drain slows the serving process is warned of once, when it first serves", () => {
  const slow = ready("new", {}, "2.6.12");
  const warnings = (lines: readonly string[]) =>
    lines.filter((line) => /2\.6\.22/.test(line)).length;
  const [serving, first] = decide(STATES.starting, slow, POLICY);
  assert.equal(warnings(linesOf(first)), 1);
  const [again, second] = decideAll(serving, [settled("other"), slow]);
  assert.equal(warnings(linesOf(second)), 0);
  const [upgraded, third] = decideAll(again, [settled("newer"), ready("newer", {}, "3.4.1")]);
  assert.equal(warnings(linesOf(third)), 0);
  assert.equal(warnings(linesOf(decideAll(upgraded, [settled("old"), slow])[1])), 1);
});

const CERTIFICATE: Target = {
  tag: "certificate",
  path: "/a.pem",
  name: "/a.pem",
  keyPath: "/a.pem.key",
  isMember: false,
};
const TARGETS: Targets = { byPath: new Map([["/a.pem", [CERTIFICATE]]]), replacesCrt: false };

/** A configuration and a certificate with these contents. */
function withCertificate(configuration: string, certificate: string): Fingerprint {
  const { files } = content(configuration);
  const mark = { content: certificate, modifiedMs: 0, stamp: certificate };
  return {
    digest: `${configuration} ${certificate}`,
    files: new Map([...files, ["/a.pem", mark]]),
  };
}

/** Both the configuration and the certificate have changed. */
const [BEFORE, AFTER] = [withCertificate("served", "old"), withCertificate("new", "renewed")];
const SERVING = { ...SERVICE.serving, fingerprint: BEFORE, targets: TARGETS };
const RENEWING: StateOf<"reloading"> = {
  ...withService(STATES.reloading, { serving: SERVING }),
  attempt: { ...STATES.reloading.attempt, fingerprint: AFTER },
};

Deno.test("the serving generation gets the renewed certificates of a rejected reload", () => {
  const [next, actions] = endReload(RENEWING, failed({ mayPass: false }), POLICY);
  const { attempt, rejection, service } = expectState(next, "hot_applying");
  assert.deepEqual(attempt, { fingerprint: AFTER, cause: { tag: "change" } });
  assert.deepEqual(rejection?.rejected, rejected("new", { fingerprint: AFTER }));
  assert.equal(service.serving, SERVING);
  assert.deepEqual(names(actions), ["log", "discard", "hot_apply"]);
  assert.deepEqual(actions.at(-1), {
    name: "hot_apply",
    generation: 3,
    request: { changed: [CERTIFICATE], before: BEFORE, after: AFTER, isPart: true },
  });
});

Deno.test("after that the rejected files are verified, and a retry follows when due", () => {
  const fingerprint = withCertificate("served", "renewed");
  for (const mayPass of [true, false]) {
    const events = [failed({ mayPass }), hotApplyEnded({ fingerprint })];
    const [next, actions] = decideAll(RENEWING, events);
    const service = expectService(next, mayPass ? "retrying" : "serving");
    assert.equal(service.serving.fingerprint, fingerprint);
    assert.equal(service.rejected?.fingerprint, AFTER);
    assert.deepEqual(actions, [
      { name: "verify", generation: 4, fingerprint: AFTER },
      ...mayPass ? [{ name: "set_timer", delayMs: 1_000 }] : [],
    ]);
  }
});

const { attempt } = RENEWING;
const LEFT_ALONE: Readonly<Record<string, StateOf<"reloading">>> = {
  "none was renewed": {
    ...RENEWING,
    attempt: { ...attempt, fingerprint: withCertificate("new", "old") },
  },
  "the served content is unknown": withService(RENEWING, {
    serving: { ...SERVING, fingerprint: null },
  }),
  "the rejected content is unknown": { ...RENEWING, attempt: { ...attempt, fingerprint: null } },
};

for (const [why, state] of Object.entries(LEFT_ALONE)) {
  Deno.test(`a rejected reload leaves the certificates alone if ${why}`, () => {
    const [next, actions] = endReload(state, failed({ mayPass: false }), POLICY);
    assert.equal(next.name, "serving");
    assert.equal(find(actions, "hot_apply"), undefined);
  });
}

Deno.test("a rejected reload leaves the certificates alone with --no-hot-apply", () => {
  const policy = { ...POLICY, hotApply: false };
  const [next, actions] = endReload(RENEWING, failed({ mayPass: false }), policy);
  assert.equal(next.name, "serving");
  assert.equal(find(actions, "hot_apply"), undefined);
});

Deno.test("a change during the read keeps no certificate from the serving generation", () => {
  for (
    const state of [
      withService(RENEWING, { serving: { ...SERVING, changedDuringRead: true } }),
      { ...RENEWING, pending: { order: null, changedDuringRead: true } },
    ]
  ) {
    expectState(endReload(state, failed({ mayPass: false }), POLICY)[0], "hot_applying");
  }
});
