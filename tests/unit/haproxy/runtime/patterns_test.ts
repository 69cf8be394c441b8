import assert from "node:assert/strict";
import {
  addCommands,
  addEntries,
  clearVersion,
  commitVersion,
  parseEntries,
  prepareVersion,
  showEntries,
} from "../../../../lib/haproxy/runtime/patterns.ts";
import { quoted } from "../../../../lib/haproxy/runtime/client.ts";
import { script } from "../../../support/haproxy/scripted_haproxy.ts";

const MAP = { tag: "map", id: 3, version: 7 } as const;
const ACL = { ...MAP, tag: "acl" } as const;

Deno.test("map entries are added as a payload that ends with an empty line", () => {
  assert.deepEqual(addCommands(MAP, ["a 1", "b\\;  2"]), [
    "add map @7 #3 <<\na 1\nb\\;  2\n",
  ]);
});

Deno.test("ACL patterns are added by one command each, and escaped", () => {
  assert.deepEqual(addCommands(ACL, ["a", "b c;d\\e\tf", "g<<"]), [
    "add acl @7 #3 a;add acl @7 #3 b\\ c\\;d\\\\e\\\tf;add acl @7 #3 g\\<\\<",
  ]);
});

Deno.test("without entries no command is sent", () => {
  assert.deepEqual(addCommands(MAP, []), []);
  assert.deepEqual(addCommands(ACL, []), []);
});

/** HAProxy's buffer may be as small as this, of which it reserves a part. */
const SMALL_BUFFER = 8_192 - 1_024;

Deno.test("many entries are sent in portions: in order, none lost, none twice", () => {
  // The second kind of character needs three bytes.
  for (const letter of ["a", "\u20ac"]) {
    const entries = Array.from({ length: 3_000 }, (_, index) => `${letter.repeat(20)}${index} 1`);
    const commands = addCommands(MAP, entries);
    assert.ok(commands.length > 10);
    const sizes = commands.map((command) => new TextEncoder().encode(command).length);
    assert.ok(Math.max(...sizes) < SMALL_BUFFER);
    const payloads = commands.map((command) => command.split("\n").slice(1, -1));
    assert.deepEqual(payloads.flat(), entries);
    const inAcl = addCommands(ACL, entries);
    assert.ok(Math.max(...inAcl.map((command) => command.length)) < SMALL_BUFFER);
    assert.deepEqual(
      inAcl.flatMap((command) => command.split(";")),
      entries.map((entry) => `add acl @7 #3 ${entry.replace(" ", "\\ ")}`),
    );
  }
});

Deno.test("an entry longer than a portion gets a portion of its own", () => {
  const long = `${"k".repeat(10_000)} 1`;
  assert.deepEqual(addCommands(MAP, ["a 1", long, "b 2"]), [
    "add map @7 #3 <<\na 1\n",
    `add map @7 #3 <<\n${long}\n`,
    "add map @7 #3 <<\nb 2\n",
  ]);
});

Deno.test("entries are read without their leading address, and no answer is not an empty map", () => {
  const answer = "0x55d0c8a4f8f0 a 1\n0x55d0c8a4f9a0 0xab 2  3\n\n";
  assert.deepEqual(parseEntries(answer), ["a 1", "0xab 2  3"]);
  assert.deepEqual(parseEntries("\n"), []);
  assert.equal(parseEntries(null), null);
});

Deno.test("a version is prepared, filled, shown, and committed or cleared", async () => {
  const shown = "0x1 a 1\n";
  const answers = ["New version created: 7\n\n", "\n", shown, "\n", shown, "\n"];
  const { ask, commands } = script(...answers);
  const used = { tag: "map", id: 3 } as const;
  assert.deepEqual(await prepareVersion(used, ask), { prepared: MAP });
  assert.equal(await addEntries(MAP, ["a 1"], ask), null);
  assert.deepEqual(await showEntries(MAP, ask), ["a 1"]);
  assert.equal(await commitVersion(MAP, ask), null);
  assert.deepEqual(await showEntries(used, ask), ["a 1"]);
  await clearVersion(MAP, ask);
  assert.deepEqual(commands, [
    "prepare map #3",
    "add map @7 #3 <<\na 1\n",
    "show map @7 #3",
    "commit map @7 #3",
    "show map #3",
    "clear map @7 #3",
  ]);
});

for (const answer of ["'add map' expects three parameters\n", "Unknown map identifier.\n", null]) {
  Deno.test(`a step answered by ${JSON.stringify(answer)} fails with that reason`, async () => {
    assert.deepEqual(await prepareVersion(MAP, script(answer).ask), { answer });
    assert.equal(await addEntries(MAP, ["a 1"], script(answer).ask), quoted(answer));
    assert.equal(await commitVersion(MAP, script(answer).ask), quoted(answer));
  });
}

Deno.test("no portion is sent after one is refused", async () => {
  const { ask, commands } = script("\n", "no\n");
  const entries = Array.from({ length: 2_000 }, (_, index) => `key-${index} value`);
  assert.equal(await addEntries(MAP, entries, ask), 'HAProxy says "no"');
  assert.equal(commands.length, 2);
});
