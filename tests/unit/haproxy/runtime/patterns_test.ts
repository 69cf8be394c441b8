import assert from "node:assert/strict";
import {
  addCommands,
  parseEntries,
  prepareVersion,
  showEntries,
} from "../../../../lib/haproxy/runtime/patterns.ts";
import { quoted } from "../../../../lib/haproxy/runtime/client.ts";
import { type Answer, script } from "../../../support/scripted_haproxy.ts";

const MAP = { tag: "map", id: 3 } as const;
const ACL = { tag: "acl", id: 3 } as const;

Deno.test("entries of a map are added as a payload, which ends with an empty line", () => {
  assert.deepEqual(addCommands(MAP, 7, ["a 1", "b\\;  2"]), [
    "add map @7 #3 <<\na 1\nb\\;  2\n",
  ]);
});

Deno.test("patterns of an ACL are added by a command each, with what must be escaped", () => {
  assert.deepEqual(addCommands(ACL, 7, ["a", "b c;d\\e\tf", "g<<"]), [
    "add acl @7 #3 a;add acl @7 #3 b\\ c\\;d\\\\e\\\tf;add acl @7 #3 g\\<\\<",
  ]);
});

Deno.test("where nothing is to be added no command is sent", () => {
  assert.deepEqual(addCommands(MAP, 7, []), []);
  assert.deepEqual(addCommands(ACL, 7, []), []);
});

/** A buffer of HAProxy may be set to as little as this, and keeps a part of it for itself. */
const SMALL_BUFFER = 8_192 - 1_024;

Deno.test("many entries come in portions, none lost, none twice, in their order", () => {
  // The second kind of letter needs three bytes each.
  for (const letter of ["a", "\u20ac"]) {
    const entries = Array.from({ length: 3_000 }, (_, index) => `${letter.repeat(20)}${index} 1`);
    const commands = addCommands(MAP, 7, entries);
    assert.ok(commands.length > 10);
    const sizes = commands.map((command) => new TextEncoder().encode(command).length);
    assert.ok(Math.max(...sizes) < SMALL_BUFFER);
    const payloads = commands.map((command) => command.split("\n").slice(1, -1));
    assert.deepEqual(payloads.flat(), entries);
    const inAcl = addCommands(ACL, 7, entries);
    assert.ok(Math.max(...inAcl.map((command) => command.length)) < SMALL_BUFFER);
    assert.deepEqual(
      inAcl.flatMap((command) => command.split(";")),
      entries.map((entry) => `add acl @7 #3 ${entry.replace(" ", "\\ ")}`),
    );
  }
});

Deno.test("an entry that is longer than a portion is alone in one", () => {
  const long = `${"k".repeat(10_000)} 1`;
  assert.deepEqual(addCommands(MAP, 7, ["a 1", long, "b 2"]), [
    "add map @7 #3 <<\na 1\n",
    `add map @7 #3 <<\n${long}\n`,
    "add map @7 #3 <<\nb 2\n",
  ]);
});

Deno.test("entries are read without the address in front, and silence is not an empty map", () => {
  const answer = "0x55d0c8a4f8f0 a 1\n0x55d0c8a4f9a0 0xab 2  3\n\n";
  assert.deepEqual(parseEntries(answer), ["a 1", "0xab 2  3"]);
  assert.deepEqual(parseEntries("\n"), []);
  assert.equal(parseEntries(null), null);
});

async function prepared(...answers: readonly Answer[]) {
  const { ask, commands } = script("New version created: 7\n\n", ...answers);
  const result = await prepareVersion(MAP, ask);
  assert.ok(result.tag === "prepared");
  return { version: result.version, ask, commands };
}

Deno.test("a version is prepared, filled, shown and committed, or cleared", async () => {
  const { version, ask, commands } = await prepared("\n", "0x1 a 1\n", "\n", "0x1 a 1\n", "\n");
  assert.equal(await version.add(["a 1"]), null);
  assert.deepEqual(await version.show(), ["a 1"]);
  assert.equal(await version.commit(), null);
  assert.deepEqual(await showEntries(MAP, ask), ["a 1"]);
  await version.clear();
  assert.deepEqual(commands, [
    "prepare map #3",
    "add map @7 #3 <<\na 1\n",
    "show map @7 #3",
    "commit map @7 #3",
    "show map #3",
    "clear map @7 #3",
  ]);
});

for (const answer of ["Unknown map identifier. Please use #<id> or <file>.\n", "", null]) {
  Deno.test(`after ${JSON.stringify(answer)} there is no version`, async () => {
    const { ask } = script(answer);
    assert.equal((await prepareVersion(MAP, ask)).tag, "failed");
  });
}

for (const answer of ["Out of memory error.\n", "'add map' expects three parameters\n", null]) {
  Deno.test(`the answer ${JSON.stringify(answer)} to a step is why it failed`, async () => {
    const reason = quoted(answer);
    const adding = await prepared(answer);
    assert.equal(await adding.version.add(["a 1"]), reason);
    const committing = await prepared(answer);
    assert.equal(await committing.version.commit(), reason);
  });
}

Deno.test("after the first portion that is refused no other is sent", async () => {
  const { version, commands } = await prepared("\n", "no\n");
  const entries = Array.from({ length: 2_000 }, (_, index) => `key-${index} value`);
  assert.equal(await version.add(entries), 'HAProxy says "no"');
  assert.equal(commands.length, 3);
});
