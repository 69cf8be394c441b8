import assert from "node:assert/strict";
import { applyPatterns } from "../../../lib/hot_apply/patterns_apply.ts";
import { type Answer, script } from "../../support/scripted_haproxy.ts";

/** Replaces number 3 of a process that gives these answers. */
function patterns(...answers: readonly Answer[]) {
  const { ask, commands } = script(...answers);
  const replace = (tag: "map" | "acl", text: string) =>
    applyPatterns({ tag, path: "/p", id: 3 }, text, ask);
  return { commands, replace };
}

const CREATED = "New version created: 7\n\n";
const MAP = "# hosts\r\na  1\r\n\r\nb 2 3\r\n";
const MAP_SHOWN = "0x55d0c8a4f8f0 a 1\n0x55d0c8a4f9a0 b 2 3\n\n";
const ADD = "add map @7 #3 <<\na 1\nb 2 3\n";

Deno.test("a map's new version is filled and compared, and then takes the old one's place", async () => {
  const { commands, replace } = patterns(CREATED, "\n", MAP_SHOWN, "\n", MAP_SHOWN);
  assert.deepEqual(await replace("map", MAP), { tag: "applied", detail: "2 entries" });
  assert.deepEqual(commands, [
    "prepare map #3",
    ADD,
    "show map @7 #3",
    "commit map @7 #3",
    "show map #3",
  ]);
});

Deno.test("an ACL is replaced by the commands for ACLs, with what must be escaped", async () => {
  const shown = "0x55d0c8a4f8f0 a;b c\n\n";
  const { commands, replace } = patterns(CREATED, "\n", shown, "\n", shown);
  assert.deepEqual(await replace("acl", "a;b c\n"), { tag: "applied", detail: "1 entry" });
  assert.deepEqual(commands, [
    "prepare acl #3",
    "add acl @7 #3 a\\;b\\ c",
    "show acl @7 #3",
    "commit acl @7 #3",
    "show acl #3",
  ]);
});

Deno.test("a map without entries replaces one with some", async () => {
  const { commands, replace } = patterns(CREATED, "\n", "\n", "\n");
  assert.deepEqual(await replace("map", "# nothing\n"), { tag: "applied", detail: "0 entries" });
  assert.deepEqual(commands.slice(1), ["show map @7 #3", "commit map @7 #3", "show map #3"]);
});

Deno.test("silence is not taken for a map without entries", async () => {
  const filling = patterns(CREATED, null, null);
  assert.deepEqual(await filling.replace("map", ""), {
    tag: "impossible",
    reason: "HAProxy does not answer",
  });
  assert.equal(filling.commands.at(-1), "clear map @7 #3");
  const { replace } = patterns(CREATED, "\n", "\n", null);
  assert.deepEqual(await replace("map", ""), {
    tag: "unconfirmed",
    reason: "HAProxy does not answer",
  });
});

Deno.test("what HAProxy takes from a file alone is not even prepared", async () => {
  const { commands, replace } = patterns();
  assert.deepEqual(await replace("map", "a\n"), {
    tag: "impossible",
    reason: "a key in it has no value",
  });
  assert.deepEqual(commands, []);
});

const REFUSALS = ["Unknown map identifier. Please use #<id> or <file>.\n", "", null];
for (const answer of REFUSALS) {
  Deno.test(`after ${JSON.stringify(answer)} there is no version to fill or to clear`, async () => {
    const { commands, replace } = patterns(answer);
    assert.equal((await replace("map", MAP)).tag, "impossible");
    assert.deepEqual(commands, ["prepare map #3"]);
  });
}

for (const answer of ["Out of memory error.\n", "'add map' expects three parameters\n", null]) {
  Deno.test(`a version is cleared if adding gives ${JSON.stringify(answer)}`, async () => {
    const { commands, replace } = patterns(CREATED, answer, answer === null ? null : "\n");
    const result = await replace("map", MAP);
    assert.ok(result.tag === "impossible");
    assert.match(result.reason, answer === null ? /does not answer/ : /^HAProxy says "./);
    assert.deepEqual(commands.slice(2), ["clear map @7 #3"]);
  });
}

Deno.test("after the first portion that is refused no other is sent", async () => {
  const text = Array.from({ length: 2_000 }, (_, index) => `key-${index} value`).join("\n");
  const { commands, replace } = patterns(CREATED, "\n", "no\n", "\n");
  assert.equal((await replace("map", text)).tag, "impossible");
  assert.deepEqual(commands.map((command) => command.split("\n")[0]), [
    "prepare map #3",
    "add map @7 #3 <<",
    "add map @7 #3 <<",
    "clear map @7 #3",
  ]);
});

const LOST: Readonly<Record<string, Answer>> = {
  "one entry is missing": "0x1 a 1\n",
  "one entry is too many": "0x1 a 1\n0x2 b 2 3\n0x3 c 4\n",
  "one entry is another": "0x1 a 1\n0x2 b 2 4\n",
  "entries are in another order": "0x2 b 2 3\n0x1 a 1\n",
  "all entries are lost": "\n",
  "nothing is answered": null,
};

for (const [what, shown] of Object.entries(LOST)) {
  Deno.test(`a version in which ${what} is cleared, not committed`, async () => {
    const { commands, replace } = patterns(CREATED, "\n", shown, shown === null ? null : "\n");
    assert.equal((await replace("map", MAP)).tag, "impossible");
    assert.deepEqual(commands.slice(2), ["show map @7 #3", "clear map @7 #3"]);
  });

  Deno.test(`nobody knows what is served if ${what} after the commit`, async () => {
    const { replace } = patterns(CREATED, "\n", MAP_SHOWN, "\n", shown);
    assert.equal((await replace("map", MAP)).tag, "unconfirmed");
  });
}

for (const answer of ["Version number '7' is invalid.\n", null]) {
  Deno.test(`nobody knows what is served if the commit gives ${JSON.stringify(answer)}`, async () => {
    const { commands, replace } = patterns(CREATED, "\n", MAP_SHOWN, answer);
    assert.equal((await replace("map", MAP)).tag, "unconfirmed");
    assert.equal(commands.at(-1), "commit map @7 #3");
  });
}
