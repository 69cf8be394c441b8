/** What is compiled says the same as the source: only comments and types are erased from it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../dev/deno.ts";
import { erased, eraseTypes, filesIn, WHOLE_LINES } from "../dev/erased_copy.ts";
import { type Need, testNeeding } from "../support/needs.ts";

const ERASING: Need = {
  missing: eraseTypes === undefined ? "needs a Deno that erases types" : null,
  isOptional: true,
};

for (const file of ["main.ts", ...filesIn("lib")]) {
  testNeeding([ERASING], `no text of ${file} is erased as a comment or as white space`, () => {
    const source = Deno.readTextFileSync(join(ROOT, file));
    assert.doesNotMatch(source, /[ \t]$/m);
    for (const { 0: comment, index } of source.matchAll(WHOLE_LINES)) {
      // In the place of a comment that does not parse; in a template it would.
      const broken = `${source.slice(0, index)})}]${source.slice(index + comment.length)}`;
      assert.throws(() => eraseTypes!(broken), SyntaxError, comment);
    }
  });
}

testNeeding([ERASING], "code beside a comment stays, and so does each line in its place", () => {
  const source = [
    "/** One. */ const one: number = 1;",
    "/**",
    " * Two * / 2.",
    " */",
    'import { two } from "./two.ts"; // Stays.',
    "  // Goes.",
    "/** Three. */",
    "export const three = (one as number) + two;",
  ];
  assert.deepEqual(erased(source.join("\n")).split("\n"), [
    "/** One. */ const one         = 1;",
    "",
    "",
    "",
    'import { two } from "./two.js"; // Stays.',
    "",
    "",
    "export const three = (one          ) + two;",
  ]);
});
