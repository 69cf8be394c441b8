import assert from "node:assert/strict";
import {
  type HotServer,
  passedState,
} from "../../../../lib/haproxy/private_folder/passed_state.ts";

/** Of HAProxy 2.6.12, with one that was found dead (s2), and one in maintenance (s3). */
const ROWS = {
  s1: "3 b 1 s1 10.0.0.1 2 0 20 10 9 1 0 4 0 0 0 0 - 80 - 0 0 - - 0",
  s2: "3 b 2 s2 10.0.0.2 0 0 1 1 9 8 2 0 6 0 0 0 - 80 - 1 99 - - 0",
  s3: "3 b 3 s3 10.0.0.3 0 1 1 1 9 1 0 0 0 0 0 0 - 80 - 0 0 - - 0",
  other: "4 c 1 s1 10.0.0.1 2 0 5 5 9 1 0 4 0 0 0 0 - 80 - 0 0 - - 0",
};
const HEADER = "1\n# be_id be_name srv_id srv_name srv_addr\n";
const stateOf = (rows: Readonly<Record<string, string>>) =>
  `${HEADER}${Object.values(rows).map((row) => `${row}\n`).join("")}\n`;
const STATE = stateOf(ROWS);

const LINES: Readonly<Record<string, string>> = {
  s1: "server s1 10.0.0.1:80 weight 20",
  s2: "server s2 10.0.0.2:80 check port 99 ssl verify none",
  s3: "server s3 10.0.0.3:80 disabled",
};
const fileOf = (lines: Readonly<Record<string, string>>, defaults = "") => [
  `defaults\n${defaults}\nbackend b\n${
    Object.values(lines).join("\n")
  }\nbackend c\nserver s1 10.0.0.1:80\n`,
];

interface Passing {
  readonly lines?: Readonly<Record<string, string>>;
  readonly defaults?: string;
  readonly hot?: Readonly<Record<string, HotServer>>;
  readonly forgotten?: readonly string[];
}

function passed(
  { lines = {}, defaults = "", hot = {}, forgotten = [] }: Passing,
): Record<string, string> {
  const text = passedState(STATE, {
    before: fileOf(LINES),
    after: fileOf({ ...LINES, ...lines }, defaults),
    hot: new Map(Object.entries(hot)),
    forgotten: new Set(forgotten),
  });
  assert.ok(text.startsWith(HEADER));
  const rows = text.slice(HEADER.length).trimEnd().split("\n");
  const all: Record<string, string> = {};
  for (const row of rows) {
    const [, backend, , name] = row.split(" ");
    all[backend === "c" ? "other" : name!] = row;
  }
  return all;
}

Deno.test("a state that nothing has happened to is passed on as it is", () => {
  assert.deepEqual(passed({}), ROWS);
  assert.deepEqual(passed({ lines: { s9: "server s9 10.0.0.9:80" } }), ROWS);
});

Deno.test("a hot weight is the configuration's, so that the file may take it back", () => {
  const { s1 } = passed({ hot: { "b/s1": { weight: 20, isDisabled: false } } });
  assert.equal(s1, ROWS.s1.replace(" 20 10 ", " 20 20 "));
});

Deno.test("maintenance from the file is the configuration's, so that the file may end it", () => {
  const { s3 } = passed({ hot: { "b/s3": { weight: 1, isDisabled: true } } });
  assert.equal(s3, ROWS.s3.replace("10.0.0.3 0 1 ", "10.0.0.3 2 5 "));
});

Deno.test("maintenance by hand stays when the file had enabled the server before", () => {
  const { s3 } = passed({ hot: { "b/s3": { weight: 1, isDisabled: false } } });
  assert.equal(s3, ROWS.s3.replace("10.0.0.3 0 1 ", "10.0.0.3 2 1 "));
});

Deno.test("a removed server is none of its namesake's", () => {
  const { s3: _, ...others } = ROWS;
  assert.deepEqual(passed({ forgotten: ["b/s3"] }), others);
});

Deno.test("another port counts, and so do another ssl and other checks", () => {
  const { s2, ...others } = passed({ lines: { s2: "server s2 10.0.0.2:81 check" } });
  assert.equal(s2, "3 b 2 s2 10.0.0.2 2 0 1 1 9 8 2 0 6 0 0 0 - 81 -");
  const { s2: _, ...unchanged } = ROWS;
  assert.deepEqual(others, unchanged);
});

Deno.test("what was found dead stays so where only something else changes", () => {
  const { s2 } = passed({ lines: { s2: `${LINES.s2} weight 5` } });
  assert.equal(s2, "3 b 2 s2 10.0.0.2 0 0 1 1 9 8 2 0 6 0 0 0 - 80 -");
});

Deno.test("what is not checked any more cannot be found alive", () => {
  const { s2 } = passed({ lines: { s2: "server s2 10.0.0.2:80" } });
  assert.match(s2!, /^3 b 2 s2 10\.0\.0\.2 2 /);
});

Deno.test("other defaults may say another ssl of all", () => {
  const rows = passed({ defaults: "default-server ssl verify none" });
  for (const row of Object.values(rows)) assert.equal(row.split(" ").length, 20, row);
});

for (
  const [address, port] of [
    ["[::1]:8080", "8080"],
    ["::1:8080", "8080"],
    ["ipv4@10.0.0.2:8080", "8080"],
    ["host:8080", "8080"],
    ["10.0.0.2", "0"],
    ["10.0.0.2:+5", "5"],
    ['"10.0.0.2:8080"', "8080"],
    ["/run/socket", "0"],
    ["unix@/run/socket", "0"],
  ] as const
) {
  Deno.test(`the port of ${address} is ${port}`, () => {
    const { s2 } = passed({ lines: { s2: `server s2 ${address}` } });
    assert.equal(s2!.split(" ")[18], port);
  });
}

Deno.test("nothing is passed on of a server whose new port only HAProxy can read", () => {
  const { s2: _, ...others } = ROWS;
  assert.deepEqual(passed({ lines: { s2: 'server s2 "$HOST:8080"' } }), others);
  assert.deepEqual(passed({ lines: { s2: "server s2 10.0.0.2:-5" } }), others);
});

Deno.test("a port that only HAProxy can read is left alone where the address is the same", () => {
  const line = 'server s2 "$HOST" check';
  const [before, after] = [line, `${line} weight 5`].map((s2) => fileOf({ ...LINES, s2 }));
  const text = passedState(STATE, { before: before!, after: after!, hot: new Map() });
  assert.match(text, /^3 b 2 s2 10\.0\.0\.2 0 0 1 1 9 8 2 0 6 0 0 0 - 80 -$/m);
});

Deno.test("a name may be quoted, of a section as well", () => {
  const quoted = (port: number) => [`backend "b"\nserver 's1' 10.0.0.1:${port}\n`];
  const text = passedState(STATE, { before: quoted(80), after: quoted(81), hot: new Map() });
  assert.equal(text, STATE.replace(`${ROWS.s1}`, ROWS.s1.replace("- 80 - 0 0 - - 0", "- 81 -")));
});

Deno.test("nothing is passed on of servers that another template makes, or another name that is not plain", () => {
  const { s1, other } = ROWS;
  for (const line of ["server-template s 2-3 10.0.0.2:", 'server "s$N" 10.0.0.2:']) {
    const [before, after] = [80, 81].map((
      port,
    ) => [`backend b\nserver s1 10.0.0.1:80\n${line}${port}\n`]);
    const text = passedState(STATE, { before: before!, after: after!, hot: new Map() });
    assert.equal(text, stateOf({ s1, other }), line);
  }
});

Deno.test("of what nobody knows the files' ports count, and what is not checked is alive", () => {
  const after = [
    "backend b\nserver s1 10.0.0.1:81\nserver s2 10.0.0.2:82\nserver s3 10.0.0.3:83\n" +
    "backend c\nserver s1 10.0.0.1:84 check\n",
  ];
  const text = passedState(STATE, { before: null, after, hot: new Map() });
  assert.equal(
    text,
    stateOf({
      s1: "3 b 1 s1 10.0.0.1 2 0 20 10 9 1 0 4 0 0 0 0 - 81 -",
      s2: "3 b 2 s2 10.0.0.2 2 0 1 1 9 8 2 0 6 0 0 0 - 82 -",
      s3: "3 b 3 s3 10.0.0.3 2 1 1 1 9 1 0 0 0 0 0 0 - 83 -",
      other: "4 c 1 s1 10.0.0.1 2 0 5 5 9 1 0 4 0 0 0 0 - 84 -",
    }),
  );
});

/** Of an operator's, and the port of the file before. */
const conditional = (port: number, more = "") => [
  `.if defined(A)\nbackend b\n server s1 10.0.0.1:${port}\n server s2 10.0.0.2:80\n.else\nbackend b\n` +
  ` server s1 10.0.0.1:${port + 1}\n server s2 10.0.0.2:80\n.endif\n${more}`,
];

Deno.test("where a condition gives a server two lines, nothing is passed on of it once they change", () => {
  const { other: _, ...rows } = ROWS;
  const state = (after: readonly string[], before: readonly string[] | null = conditional(80)) =>
    passedState(STATE, { before, after, hot: new Map() });
  assert.equal(state(conditional(80)), STATE);
  assert.equal(state(conditional(80, "frontend f\n bind :80\n")), stateOf(rows));
  assert.equal(state(conditional(90)), stateOf({ s2: ROWS.s2 }));
  assert.match(
    state(conditional(90), null),
    /\n3 b 2 s2 10\.0\.0\.2 2 0 .* - 80 -\n3 b 3 s3 .*\n\n$/,
  );
});

Deno.test("a server that was changed without a reload is put right below a condition that comes", () => {
  const before = fileOf(LINES);
  const after = [`.if defined(A)\n.endif\n${fileOf({ ...LINES, s1: "server s1 10.0.0.1:81" })}`];
  const hot = new Map([["b/s1", { weight: 20, isDisabled: false }]]);
  const text = passedState(STATE, { before, after, hot });
  assert.match(text, /^3 b 1 s1 10\.0\.0\.1 2 0 20 20 9 1 0 4 0 0 0 0 - 81 -$/m);
  assert.equal(text.split("\n").length, STATE.split("\n").length);
});
