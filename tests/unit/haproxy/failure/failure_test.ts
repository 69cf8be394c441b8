import assert from "node:assert/strict";
import {
  describeFailure,
  exitCodeOf,
  type Failure,
} from "../../../../lib/haproxy/failure/failure.ts";

type FailureOf<Tag extends Failure["tag"]> = Extract<Failure, { readonly tag: Tag }>;

const FAILURES: {
  readonly [Tag in Failure["tag"]]: { failure: FailureOf<Tag>; text: string; exitCode: number };
} = {
  not_prepared: {
    failure: { tag: "not_prepared", reason: "the disk is full", exitCode: 73 },
    text: "the disk is full",
    exitCode: 73,
  },
  not_spawned: {
    failure: { tag: "not_spawned", reason: "No such file", exitCode: 127 },
    text: 'cannot start "haproxy" from PATH: No such file',
    exitCode: 127,
  },
  died: {
    failure: { tag: "died", ending: { tag: "signaled", code: 139, signal: "SIGSEGV" } },
    text: "haproxy was killed by SIGSEGV before it was ready",
    exitCode: 139,
  },
  bind_conflict: {
    failure: {
      tag: "bind_conflict",
      ending: { tag: "exited", code: 1 },
      conflict: { addresses: ["0.0.0.0:80", "0.0.0.0:81"], frontends: ["a", "b"], obstacle: null },
      serving: 3,
      remedy: "restart the wrapper",
    },
    text:
      'haproxy cannot bind 0.0.0.0:80, 0.0.0.0:81: generation 3 itself holds the port, for "a", "b", ' +
      'and does not share it because of "noreuseport" or "-dR"; restart the wrapper',
    exitCode: 1,
  },
  timed_out: {
    failure: { tag: "timed_out", afterMs: 90_000 },
    text: "haproxy did not serve within 1m30s",
    exitCode: 1,
  },
  no_listener: {
    failure: { tag: "no_listener" },
    text: 'haproxy opened no listener: the configuration needs at least one "bind"',
    exitCode: 1,
  },
  wrong_pid: {
    failure: { tag: "wrong_pid", found: 3, started: 2 },
    text: "process 3 answered in place of 2, which was started",
    exitCode: 1,
  },
  program_section: {
    failure: { tag: "program_section", line: '"/a" line 2' },
    text:
      '"/a" line 2 begins a "program" section: remove it, because only HAProxy\'s master runs those, and run ' +
      "that program in a container or unit of its own",
    exitCode: 1,
  },
  withheld_sockets: {
    failure: { tag: "withheld_sockets", from: 3, connections: 210 },
    text:
      "generation 3 did not hand its sockets over: all 210 connections to its stats sockets are " +
      'taken (close some, or raise "stats maxconn" in "global"), or it hangs or has no file descriptor left',
    exitCode: 1,
  },
  bug: {
    failure: { tag: "bug", description: "TypeError: x is undefined\n    at y" },
    text: "a bug in the wrapper: TypeError: x is undefined",
    exitCode: 70,
  },
  master_worker: {
    failure: { tag: "master_worker", line: '"/a" line 2' },
    text:
      '"/a" line 2 says "master-worker": remove it, because the wrapper takes the master\'s place',
    exitCode: 1,
  },
};

for (const { failure, text, exitCode } of Object.values(FAILURES)) {
  Deno.test(`the failure ${failure.tag} reads "${text}" and ends with ${exitCode}`, () => {
    assert.equal(describeFailure(failure), text);
    assert.equal(exitCodeOf(failure), exitCode);
  });
}

Deno.test("the exit status of a failed start is HAProxy's own", () => {
  const failure: Failure = { tag: "died", ending: { tag: "exited", code: 1 } };
  assert.equal(describeFailure(failure), "haproxy exited with 1 before it was ready");
  assert.equal(exitCodeOf(failure), 1);
});

Deno.test("if only the configuration knows the limit on connections, the minimum is named", () => {
  const failure: Failure = { tag: "withheld_sockets", from: 3, connections: null };
  assert.match(
    describeFailure(failure),
    /: all connections to its stats sockets, 50 or what "stats maxconn" says, are taken \(close/,
  );
});
