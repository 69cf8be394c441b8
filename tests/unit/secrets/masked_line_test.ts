/** A masked line shows no possible secret, and everything that an operator needs. */
import assert from "node:assert/strict";
import { maskedLine, maskedLines } from "../../../lib/secrets/masked_line.ts";
import { MARKER } from "../../support/secrets.ts";
import { linesOf, SECRET_LINES } from "./cases.ts";

for (const { line } of SECRET_LINES) {
  Deno.test(`no secret is shown of: ${line}`, () => {
    for (const written of [line, `    ${line}`, `\t${line}\r`, line.replaceAll(" ", "\t")]) {
      const shown = maskedLine(written);
      assert.ok(!shown.includes(MARKER), shown);
      assert.ok(!shown.includes("\r"), shown);
    }
  });
}

/** A value after these is masked even if it is a number, an address or a keyword. */
const TAKES_SECRETS =
  /(?:password|auth|realm|uri|set-header|add-header|replace-\w+|set-var(?:-fmt)?|setenv|string|send|httpchk|key|secret|description|location|prefix|hdr|cook|log-format|errorloc|ca-sign-pass|tcp-md5sig|agent-send|ssl-passphrase-cmd|mysql-check|(?:req\.hdr|str)\([^()§]*\)[^§]*) "?§/;

for (const line of linesOf("secret_lines.txt").filter((line) => TAKES_SECRETS.test(line))) {
  Deno.test(`no number, address or keyword is shown of: ${line}`, () => {
    for (const secret of ["73915284", "10.73.91.52", "leastconn", "7391:5284"]) {
      const shown = maskedLine(line.replaceAll("§", secret));
      assert.ok(!shown.includes(secret), shown);
    }
  });
}

for (const line of linesOf("shown_lines.txt")) {
  Deno.test(`all is shown of: ${line}`, () => {
    // Masking twice hides nothing more.
    const written = line.replaceAll("(***)", `(${MARKER})`).replaceAll("***", `"a ${MARKER}"`);
    assert.equal(maskedLine(written), line.replace(/# "a .*/, "# ***"));
  });
}

const MISSPELT = {
  "    sever s1 10.0.0.1:80": "    sever ***",
  "    bind :443 sssl crt /etc/x.pem": "    bind :443 sssl ***",
  "    timeout clint 5s": "    timeout clint ***",
  "    option httpcheck GET /": "    option httpcheck ***",
  "    default_backnd app": "    default_backnd ***",
  "fronted fe": "fronted ***",
  "    http-request set-heade X-A b": "    http-request set-heade ***",
  "    balance round-robin": "    balance round-robin",
  "    server s1 10.0.0.1:80 chek inter 2s": "    server s1 10.0.0.1:80 chek ***",
  "    acl a src -m bge 10.0.0.1": "    acl a src -m ***",
  "    mode htp": "    mode ***",
};

for (const [line, shown] of Object.entries(MISSPELT)) {
  Deno.test(`a typo is shown, and nothing after it: ${line.trim()}`, () => {
    assert.equal(maskedLine(line), shown);
  });
}

Deno.test("lines that continue a secret are hidden, up to its end or the next section", () => {
  const shown = (...lines: string[]) => maskedLines(lines.join("\n"), { first: 1, last: 9 });
  assert.deepEqual(
    shown('  setenv K "first', "  server second 10.0.0.1:80", '  bind third"', "  mode http"),
    ["  setenv K ***", "  ***", "  ***", "  mode http"],
  );
  assert.deepEqual(
    shown("  setenv K first \\", "  server second 10.0.0.1:80 \\", "  third", "  mode http"),
    ["  setenv K ***", "  ***", "  ***", "  mode http"],
  );
  assert.deepEqual(
    shown("  setenv K 'first", "  server second 10.0.0.1:80", "backend app", "  mode http"),
    ["  setenv K ***", "  ***", "backend app", "  mode http"],
  );
  assert.deepEqual(
    shown("  mode http # don't", "  server s 10.0.0.1:80"),
    ["  mode http # ***", "  server s 10.0.0.1:80"],
  );
  assert.deepEqual(
    maskedLines("a\n".repeat(3) + '  setenv K "x\n  mode http', { first: 5, last: 5 }),
    ["  ***"],
  );
});

Deno.test("a line of megabytes takes no time", () => {
  const startedMs = performance.now();
  for (const unit of ["a", "a ", '"', "'a", "\\", "(", "%[", "a,b(", "#", "${A-"]) {
    maskedLines(`  server ${unit.repeat(1_000_000)}`, { first: 1, last: 1 });
  }
  assert.ok(performance.now() - startedMs < 20_000);
});
