/** A quarter of the changes is to be refused, and contents are numbered without gaps. */
import assert from "node:assert/strict";
import { changeOf, REFUSAL_NAMES } from "./changes.ts";

const SITE = {
  takenPort: 1,
  extraPort: 2,
  configuration: (content: number, { lines = "" } = {}) => `content ${content}\n${lines}`,
};

const CHANGES = Array.from({ length: 1_000 }, (_, index) => changeOf(SITE, index + 1));

Deno.test("a quarter must be refused: each reason equally often, and never two in a row", () => {
  const refused = CHANGES.filter(({ tag }) => tag === "refused");
  assert.equal(refused.length, 250);
  for (const reason of REFUSAL_NAMES) {
    const count = refused.filter((change) => change.tag === "refused" && change.reason === reason);
    assert.ok(Math.abs(count.length - 250 / REFUSAL_NAMES.length) < 1, reason);
  }
  CHANGES.forEach(({ tag }, index) => {
    if (tag === "refused") assert.equal(CHANGES[index + 1]?.tag, "served");
  });
});

Deno.test("contents to be served are numbered from 1, and each differs from the last", () => {
  const served = CHANGES.flatMap((change) => change.tag === "served" ? [change] : []);
  served.forEach(({ content, configuration }, index) => {
    assert.equal(content, index + 1);
    assert.match(configuration, new RegExp(`^content ${content}\n`));
  });
  const bound = served.filter(({ configuration }) => configuration.includes("bind"));
  assert.ok(bound.length > 300 && bound.length < 450, `${bound.length} bind one more address`);
});
