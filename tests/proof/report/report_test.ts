/** The tables, for any number of contestants. */
import assert from "node:assert/strict";
import { branchesMarkdown } from "./branches_report.ts";
import { examples, markdown } from "./report.ts";
import { disturbing, servedMs } from "./results.ts";
import { campaign, load, MACHINE, run } from "./samples.ts";

const FAILING = campaign({
  load: load({
    tcp: {
      failures: { cut: 1_234, refused: 2 },
      disturbed: [3, 4, 8],
      examples: [{ kind: "cut", detail: "closed", time: "2026-01-01T00:00:00Z", reload: 4 }],
    },
    keep_alive: { failures: { idle_closing: 7 } },
    http3_kept: { failures: { idle_closing: 2, cut: 10 } },
  }),
  mishaps: [5, 9].map((number) => ({
    number,
    change: `content ${number}`,
    what: "was refused\nlog",
  })),
  samples: [],
});

const RESULTS = run({ wrapper: campaign(), "master-worker": FAILING });

Deno.test("each row of a table has as many cells as its heading", () => {
  const parts = markdown(RESULTS).split("\n\n");
  assert.equal(
    parts.at(-1),
    "wrapper 0 (executable), Deno 2.6.10, HAProxy 3.4.7-1, 2 cores, 2026-01-31, clients on Deno 2.9.6, `deno task proof`",
  );
  const tables = parts.filter((part) => part.startsWith("|"));
  assert.equal(tables.length, 2);
  for (const table of tables) {
    const counts = new Set(table.split("\n").map((line) => line.split(" | ").length));
    assert.equal(counts.size, 1, table);
  }
});

Deno.test("percentiles, failures and unexpected outcomes are reported", () => {
  const text = markdown(RESULTS);
  const row = (title: string) => text.split("\n").find((line) => line.startsWith(`| ${title}`));
  assert.equal(row("reloads served"), "| reloads served, refused | 75, 25 | 75, 25 |");
  assert.match(row("change to first answer")!, /\| 50, 90, 98, 99 ms \|/);
  assert.equal(
    row("reloads that"),
    "| reloads that ended otherwise | 0 | 2 × was refused (a content) |",
  );
  assert.match(row("**failed requests**")!, /\| \*\*0\*\* \| \*\*1,236\*\* \|$/);
  assert.match(row("failed requests over QUIC")!, /\| 0 \| 12 \|$/);
  assert.match(row("met the closing")!, /\| 0, 0 \| 7, 0 \|$/);
  assert.match(row("refused reloads that disturbed")!, /\| 0 \| 2 \|$/);
  assert.match(row("its open files")!, /\| 20, 20 \| — \|$/);
  assert.match(
    text,
    /\| master-worker \| 1,000 \| 10 \| 1,234 cut answer, 2 connection refused \|/,
  );
});

Deno.test("the first failures are listed one by one", () => {
  assert.deepEqual(examples(RESULTS), [
    "master-worker, TCP, connections of 1 to 3 s: cut answer at 2026-01-01T00:00:00Z, in reload 4: closed",
  ]);
});

Deno.test("only refused reloads disturb what they should not, and only served ones count as fast", () => {
  assert.deepEqual(disturbing(FAILING), [4, 8]);
  assert.equal(servedMs(FAILING).length, 75);
});

Deno.test("several HAProxy versions make one table, which says once what they share", () => {
  const old = { ...MACHINE, haproxy: "2.6.12-1+deb12u4" };
  const { http3: _new, http3_kept: _kept, ...others } = load({});
  const text = branchesMarkdown([
    run({ wrapper: campaign({ load: others }) }, { machine: old, command: "deno task proof A" }),
    RESULTS,
  ]);
  const [first, ...parts] = text.split("\n\n");
  const rows = first!.split("\n").map((line) => line.split(" | "));
  assert.deepEqual(rows.slice(2).map((cells) => cells.slice(0, 2).join()), [
    "| HAProxy 2.6.12,wrapper",
    "| HAProxy 3.4.7,wrapper",
    "| ,master-worker",
  ]);
  assert.equal(new Set(rows.map((cells) => cells.length)).size, 1);
  assert.match(first!, /\| \*\*1,236\*\* \| 12 \| 7, 0 \|$/);
  assert.match(first!, /^\| HAProxy 2\.6\.12 .* \| — \| 0, 0 \|$/m);
  assert.equal(parts.filter((part) => part.startsWith("<details>")).length, 2);
  assert.equal(
    parts.at(-1),
    "wrapper 0 (executable), Deno 2.6.10, HAProxy 2.6.12-1+deb12u4, 3.4.7-1, 2 cores, 2026-01-31, " +
      "clients on Deno 2.9.6, `deno task proof A`, `deno task proof`",
  );
});
