import assert from "node:assert/strict";
import { type TlsKind, TlsTransaction } from "../../../../lib/haproxy/runtime/tls_transaction.ts";
import { type Answer, script } from "../../../support/haproxy/scripted_haproxy.ts";

/** A transaction with a process that gives `answers`. */
function begin(answers: readonly Answer[], { kind = "cert" as TlsKind, name = "/x" } = {}) {
  const { ask, commands } = script(...answers);
  return { commands, transaction: new TlsTransaction(ask, kind, name) };
}

const CREATED = "Transaction created for certificate /x!\n\n";
const NOT_REFERENCED =
  "Can't replace a certificate which is not referenced by the configuration!\nCan't update /x!\n";

Deno.test("content is set as a payload, committed, and shown", async () => {
  const { commands, transaction } = begin([CREATED, "Committing /x..\nSuccess!\n\n", "shown"]);
  assert.equal(await transaction.set("PEM"), null);
  assert.equal(await transaction.commit(), null);
  assert.equal(await transaction.show(), "shown");
  assert.deepEqual(commands, [
    "set ssl cert /x <<\nPEM\n",
    "commit ssl cert /x",
    "show ssl cert /x",
  ]);
});

Deno.test("CA files and CRLs have their own commands, and show pending content", async () => {
  const answers = ["transaction created for CA /x!\n", "transaction updated for CA /x!\n", ""];
  const { commands, transaction } = begin(answers, { kind: "ca-file" });
  assert.equal(await transaction.set("A"), null);
  assert.equal(await transaction.add("B"), null);
  await transaction.showPending();
  assert.deepEqual(commands, [
    "set ssl ca-file /x <<\nA\n",
    "add ssl ca-file /x <<\nB\n",
    "show ssl ca-file */x",
  ]);
  const crl = begin(["transaction created for CRL /x!\n"], { kind: "crl-file" });
  assert.equal(await crl.transaction.set("A"), null);
  assert.deepEqual(crl.commands, ["set ssl crl-file /x <<\nA\n"]);
});

Deno.test("a name is one word in each command, whatever it contains", async () => {
  const name = "/a b;\\c";
  const created = `Transaction created for certificate ${name}!\n`;
  const { commands, transaction } = begin([created, "Success!\n", ""], { name });
  assert.equal(await transaction.set("PEM"), null);
  await transaction.commit();
  await transaction.show();
  assert.deepEqual(commands.map((command) => command.split("\n")[0]), [
    "set ssl cert /a\\ b\\;\\\\c <<",
    "commit ssl cert /a\\ b\\;\\\\c",
    "show ssl cert /a\\ b\\;\\\\c",
  ]);
});

Deno.test("a payload that is too long for HAProxy is not sent", async () => {
  const { transaction } = begin([]);
  assert.equal(
    await transaction.set("x".repeat(16_000)),
    "it is longer than HAProxy accepts in one command",
  );
});

const SPOILT = (name: string) => `somebody else has changed "${name}" without committing it`;

interface Fault {
  readonly kind?: TlsKind;
  readonly name?: string;
  readonly answer: Answer;
  readonly reason?: string;
  /** The name that is aborted, if it is another one. */
  readonly aborted?: string;
}

const SET_FAULTS: Readonly<Record<string, Fault>> = {
  "a refusal": {
    answer: NOT_REFERENCED,
    reason: `HAProxy says "${NOT_REFERENCED.split("\n")[0]}"`,
  },
  "silence": { answer: null, reason: "HAProxy does not answer" },
  "an empty answer": { answer: "" },
  "somebody else's transaction for the same certificate": {
    answer: "Transaction updated for certificate /x!\n",
    reason: SPOILT("/x"),
  },
  "somebody else's transaction for another certificate": {
    answer: "Transaction updated for certificate /other!\n",
    reason: SPOILT("/other"),
    aborted: "/other",
  },
  "a transaction for a name that only ends alike": {
    answer: "Transaction created for certificate /a/x!\n",
    aborted: "/a/x",
  },
  "a transaction for a shorter name": {
    answer: "Transaction created for certificate x!\n",
    aborted: "x",
  },
  // HAProxy 2.6 takes ".crt" for the kind of payload, and "/x.pem" may exist as well.
  "a transaction for the name without .crt": {
    name: "/x.pem.crt",
    answer: "Transaction created for certificate /x.pem!\n",
    aborted: "/x.pem",
  },
  "another CA file": { kind: "ca-file", answer: "transaction created for CA /other!\n" },
  "a refused CA file": { kind: "ca-file", answer: "Can't update /x!\n" },
  "silence to a CA file": { kind: "ca-file", answer: null },
  "somebody else's transaction for the CRL": {
    kind: "crl-file",
    answer: "transaction updated for CRL /x!\n",
  },
  "an empty answer to a CRL": { kind: "crl-file", answer: "" },
};

for (const [what, { kind = "cert", name = "/x", answer, ...fault }] of Object.entries(SET_FAULTS)) {
  Deno.test(`${what} leaves no transaction open`, async () => {
    const { commands, transaction } = begin([answer, answer === null ? null : "\n"], {
      kind,
      name,
    });
    const reason = await transaction.set("PEM");
    assert.notEqual(reason, null);
    if (fault.reason !== undefined) assert.equal(reason, fault.reason);
    assert.deepEqual(commands.slice(1), [`abort ssl ${kind} ${fault.aborted ?? name}`]);
  });
}

Deno.test("a .crt certificate is set again with a second .crt appended, as HAProxy 2.6 expects", async () => {
  const name = "/x.crt";
  const created = `Transaction created for certificate ${name}!\n`;
  const { commands, transaction } = begin([NOT_REFERENCED, created], { name });
  assert.equal(await transaction.set("PEM"), null);
  assert.deepEqual(commands, [
    "set ssl cert /x.crt <<\nPEM\n",
    "set ssl cert /x.crt.crt <<\nPEM\n",
  ]);
  const refusing = begin([NOT_REFERENCED, NOT_REFERENCED, "\n"], { name });
  assert.notEqual(await refusing.transaction.set("PEM"), null);
  assert.equal(refusing.commands[2], "abort ssl cert /x.crt");
});

Deno.test("no transaction stays open if the version cannot add CA certificates", async () => {
  const answers = ["Unknown command: 'add ssl ca-file'\n", "\n"];
  const { commands, transaction } = begin(answers, { kind: "ca-file" });
  assert.match((await transaction.add("B"))!, /^HAProxy says "Unknown command/);
  assert.equal(commands.at(-1), "abort ssl ca-file /x");
});

for (const kind of ["cert", "ca-file", "crl-file"] as const) {
  for (const answer of ["Can't commit /x!\n", "", null]) {
    Deno.test(`a commit of a ${kind} answered by ${JSON.stringify(answer)} is aborted`, async () => {
      const { commands, transaction } = begin([answer, answer === null ? null : "\n"], { kind });
      assert.notEqual(await transaction.commit(), null);
      assert.deepEqual(commands, [`commit ssl ${kind} /x`, `abort ssl ${kind} /x`]);
    });
  }
}

Deno.test("the reason for a failed commit is its error, not its progress", async () => {
  const { transaction } = begin(["Committing /x..\nError: out of memory\n", "\n"]);
  assert.equal(await transaction.commit(), 'HAProxy says "Error: out of memory"');
});
