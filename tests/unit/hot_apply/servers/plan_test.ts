import assert from "node:assert/strict";
import { haveSameRest } from "../../../../lib/config/server_lines.ts";
import type { Environment } from "../../../../lib/config/tokens.ts";
import { planServers, type ServerPlan } from "../../../../lib/hot_apply/servers/plan.ts";

const START = `defaults
    mode http
frontend web
    bind :80
backend app
    balance roundrobin
    server s1 10.0.0.1:80 check weight 10
    server s2 10.0.0.2:80
backend other
    server s1 10.0.1.1:80
`;

interface Options {
  readonly start?: string;
  readonly environment?: Environment;
}

const planned = (
  before: readonly string[],
  after: readonly string[],
  environment: Environment = {},
) => planServers({ texts: before, environment }, after);

/** The plan for a change of one part of `start` into another. */
function plan(
  [from, to]: readonly [string, string],
  { start = START, environment = {} }: Options = {},
): ServerPlan {
  assert.ok(start.includes(from), from);
  const next = start.replace(from, to);
  // One that is cut off is another in any case.
  if (next.endsWith("\n")) assert.ok(haveSameRest([start], [next]));
  return planned([start], [next], environment);
}

function changes(...[edit, options]: Parameters<typeof plan>) {
  const found = plan(edit, options);
  assert.equal(found.tag, "plan", JSON.stringify(found));
  return found.tag === "plan" ? found.changes.servers : [];
}

const CHANGED = {
  tag: "changed",
  backend: "app",
  server: "s1",
  isChecked: true,
  address: null,
  weight: null,
  maxconn: null,
  isDisabled: null,
};

Deno.test("weight, maxconn, address, port and being disabled can change", () => {
  assert.deepEqual(
    changes(["10.0.0.1:80 check weight 10", "10.0.0.9:81 check maxconn 5 disabled"]),
    [{
      ...CHANGED,
      values: { weight: 1, maxconn: 5, isDisabled: true },
      address: { from: { ip: "10.0.0.1", port: 80 }, to: { ip: "10.0.0.9", port: 81 } },
      weight: { from: 10, to: 1 },
      maxconn: { from: 0, to: 5 },
      isDisabled: { from: false, to: true },
    }],
  );
});

Deno.test("what means the same is no change", () => {
  assert.deepEqual(changes(["10.0.0.1:80 check", `"10.0.0.1:"'80' ch\\x65ck`]), []);
  assert.deepEqual(changes(["weight 10", "weight 10 # ten"]), []);
  assert.deepEqual(changes(["check weight 10", "check enabled weight 3 weight 10"]), []);
  assert.deepEqual(changes(["    server s2", "\tserver\ts2"]), []);
});

Deno.test("a server is added with all its words, and removed", () => {
  const edit = [
    "    server s2 10.0.0.2:80",
    "    server s3 [::3]:80 maxqueue 4 disabled",
  ] as const;
  assert.deepEqual(changes(edit), [
    {
      tag: "added",
      backend: "app",
      server: "s3",
      address: { ip: "::3", port: 80 },
      words: ["maxqueue", "4"],
      values: { weight: 1, maxconn: 0, isDisabled: true },
      isChecked: false,
      hasAgent: false,
    },
    { tag: "removed", backend: "app", server: "s2" },
  ]);
});

Deno.test("what default-server lines say is written out", () => {
  const start = START.replace("mode http", "mode http\n    default-server inter 2s weight 5")
    .replace("balance roundrobin", "balance roundrobin\n    default-server fall 9");
  const [added] = changes(["    server s2", "    server s3 10.0.0.3:80\n    server s2"], { start });
  assert.ok(added?.tag === "added");
  assert.deepEqual(added.words, ["inter", "2s", "weight", "5", "fall", "9"]);
  const [changed] = changes(["check weight 10", "check"], { start });
  assert.ok(changed?.tag === "changed");
  assert.deepEqual(changed.weight, { from: 10, to: 5 });
});

Deno.test("a default-server line counts for those below it", () => {
  const start = START.replace(
    "    server s2",
    "    default-server maxconn 7\n    server s3 10.0.0.3:80\n    server s2",
  );
  const line = "    server s3 10.0.0.3:80\n";
  const moved = start.replace(line, "").replace("    server s1", `${line}    server s1`);
  const found = planned([start], [moved]);
  assert.ok(found.tag === "plan" && found.changes.servers[0]?.tag === "changed");
  assert.deepEqual(found.changes.servers[0].maxconn, { from: 7, to: 0 });
});

const COOKIES = "    server a 10.0.0.3:80 cookie x\n    server b 10.0.0.4:80 cookie x\n";
const COOKIES_MOVED = "    server b 10.0.0.4:80 cookie x\n    server a 10.0.0.3:80 cookie x\n";
const BACKUPS = "    server a 10.0.0.3:80 backup\n    server b 10.0.0.4:80 backup\n";
const BACKUPS_MOVED = "    server b 10.0.0.4:80 backup\n    server a 10.0.0.3:80 backup\n";

/** What only a reload can do, and why. */
const RELOADS: readonly (readonly [string, string, string, RegExp, Options?])[] = [
  ["another word", "check", "check inter 3s", /more than its address/],
  ["a word that is not known", "check", "check shiny", /not known/],
  ["a host name", "10.0.0.1:80", "host:80", /not both are literal/],
  ["a variable", "10.0.0.1:80", '"${A}:80"', /not known/],
  ["a strange value", "weight 10", "weight 0x10", /not plain/],
  ["a weight that an agent may change", "check weight 10", "check weight 5", /"agent-check"/, {
    start: START.replace("mode http", "mode http\n default-server agent-check"),
  }],
  ["a maxconn with a minconn", "s2 10.0.0.2:80", "s2 10.0.0.2:80 maxconn 5", /"minconn"/, {
    start: START.replace("balance", "default-server minconn 3\n balance"),
  }],
  ["a slow start", "s2 10.0.0.2:80", "s2 10.0.0.2:80 disabled", /"slowstart"/, {
    start: START.replace("balance", "default-server slowstart 3s\n balance"),
  }],
  ["a cookie made of the address", "10.0.0.1:80", "10.0.0.9:80", /its cookie/, {
    start: START.replace("balance", "dynamic-cookie-key k\n balance"),
  }],
  ["a server in a section whose defaults are named", "weight 10", "weight 9", /defaults/, {
    start: START.replace("backend app", "backend app from d"),
  }],
  ["a server beside a template", "weight 10", "weight 9", /template/, {
    start: START.replace("balance", "server-template t 2 10.0.0.7:80\n balance"),
  }],
  ["a peer", "server mine 1.1.1.1:1", "server mine 1.1.1.1:2", /not those of a proxy/, {
    start: `${START}peers p\n server mine 1.1.1.1:1\n`,
  }],
  ["two servers of one name", "server s2", "server s1", /not plain/],
  ["a new server by name", "server s2 10.0.0.2:80", "server s3 host:80", /literal one/],
  ["a new server without a port", "server s2 10.0.0.2:80", "server s3 10.0.0.2", /literal one/],
  ["a new server with a word of its own", "s2 10.0.0.2:80", "s3 10.0.0.2:80 ssl", /"ssl"/],
  [
    "a new server to be checked later",
    "s2 10.0.0.2:80",
    "s3 10.0.0.2:80 check disabled",
    /checked/,
  ],
  ["a new server where numbers count", "server s2", "server s3", /algorithm/, {
    start: START.replace("roundrobin", "source"),
  }],
  ["a new server where numbers are logged", "server s2", "server s3", /numbers matter/, {
    start: START.replace("bind", "log-format %[srv_id]\n bind"),
  }],
  ["places that count", "server s1 10.0.0.1:80 check weight 10", "", /algorithm/, {
    start: START.replace("balance roundrobin", "balance first"),
  }],
  ["a server that is used", "    server s2 10.0.0.2:80\n", "", /refers/, {
    start: START.replace("balance", "use-server s2 if TRUE\n balance"),
  }],
  ["a server that a sample names", "    server s2 10.0.0.2:80\n", "", /refers/, {
    start: START.replace("bind", "acl up srv_is_up(app/s2)\n bind"),
  }],
  ["a server that another tracks", "    server s2 10.0.0.2:80\n", "", /refers/, {
    start: `${START}    server s9 10.0.1.9:80 track app/s2\n`,
  }],
  ["a server to which clients stick", "    server s2 10.0.0.2:80\n", "", /persist/, {
    start: START.replace("balance", "option persist\n balance"),
  }],
  ["a server that a template tracks", "    server s2 10.0.0.2:80\n", "", /refers/, {
    start: `${START}    server-template t 1-2 10.0.1.9:80 track app/s2\n`,
  }],
  ["a server that another may track", "    server s2 10.0.0.2:80\n", "", /refers/, {
    start: `${START}    server s9 10.0.1.9:80 track "app/s2"\n`,
  }],
  ["a server whose agent could enable it", "    server s2 10.0.0.2:80\n", "", /agent/, {
    start: START.replace("balance", "default-server agent-check agent-port 1\n balance"),
  }],
  ["a server that another follows down", "s2 10.0.0.2:80", "s2 10.0.0.2:80 disabled", /tracked/, {
    start: `${START}    server s9 10.0.1.9:80 track app/s2\n`,
  }],
  ["a server that another follows up", "10.0.0.1:80", "10.0.0.9:80", /tracked/, {
    start: `${START}    server s9 10.0.1.9:80 track app/s1\n`,
  }],
  ["a new server with an external check", "s2 10.0.0.2:80", "s3 10.0.0.2:80 check", /external/, {
    start: START.replace("balance", "option external-check\n balance"),
  }],
  [
    "a new server with a cookie that does not count",
    "s2 10.0.0.2:80",
    "s3 10.0.0.2:80 cookie s3",
    /HTTP/,
    {
      start: START.replace("balance", "mode tcp\n balance"),
    },
  ],
  ["a new server with an agent at no port", "s2 10.0.0.2:80", "s3 10.0.0.2:80 agent-check", /port/],
  [
    "a new server with part of a command",
    "s2 10.0.0.2:80",
    "s3 10.0.0.2:80 cookie a;b",
    /"cookie a;b"/,
  ],
  [
    "a new server with a value that HAProxy refuses",
    "s2 10.0.0.2:80",
    "s3 10.0.0.2:80 inter 0",
    /"inter 0"/,
  ],
  [
    "a new backup server",
    "    server s2",
    "    server s3 10.0.0.3:80 backup\n    server s2",
    /backup/,
  ],
  [
    "an address that an agent has spoken for",
    "10.0.0.1:80 check",
    "10.0.0.9:80 check",
    /"agent-check"/,
    {
      start: START.replace("balance", "default-server agent-check agent-port 1\n balance"),
    },
  ],
  ["an address that logs go to", "10.0.0.1:80 check", "10.0.0.9:80 check", /logs/, {
    start: START.replace("balance", "mode log\n balance"),
  }],
  ...["10.0.0.9:80 check", "10.0.0.1:80 check disabled", null].map((to) =>
    [
      `an agent of SPOE, now ${to}`,
      to === null ? "    server s1 10.0.0.1:80 check weight 10\n" : "10.0.0.1:80 check",
      to ?? "",
      /SPOE/,
      { start: START.replace("bind", "filter spoe engine e config f\n    bind") },
    ] as const
  ),
  ["a server of a FastCGI application", "    server s2 10.0.0.2:80\n", "", /FastCGI/, {
    start: START.replace("balance", "use-fcgi-app x\n balance"),
  }],
  ["a server that a variable may name", "    server s2 10.0.0.2:80\n", "", /refers/, {
    start: START.replace("bind", 'acl up "srv_is_up(${S})"\n bind'),
  }],
  ["servers of one cookie in another order", COOKIES, COOKIES_MOVED, /cookie "x"/, {
    start: START.replace("    balance", `${COOKIES}    balance`),
  }],
  ["a new server with the cookie of another", "    server s2 10.0.0.2:80\n", COOKIES, /cookie "x"/],
  ["backup servers in another order", BACKUPS, BACKUPS_MOVED, /backup/, {
    start: START.replace("    balance", `${BACKUPS}    balance`),
  }],
  ["an address of a server that marks others", "10.0.0.1:80", "10.0.0.9:80", /"on-marked-up"/, {
    start: START.replace(
      "balance",
      "default-server on-marked-up shutdown-backup-sessions\n balance",
    ),
  }],
  ["an address of a slow start", "10.0.0.1:80", "10.0.0.9:80", /"slowstart"/, {
    start: START.replace("balance", "default-server slowstart 9s\n balance"),
  }],
  ["an address that connections are kept for", "10.0.0.1:80", "10.0.0.9:80", /"http-reuse never"/, {
    start: START.replace("balance", "http-reuse never\n balance"),
  }],
  ["a weight whose first value is shown", "weight 10", "weight 9", /srv_iweight/, {
    start: START.replace("bind", "http-request set-header w %[srv_iweight(app/s1)]\n bind"),
  }],
  ["a new server whose number is asked for", "server s2", "server s3", /numbers matter/, {
    start: START.replace("bind", "acl a src,table_server_id(t) 1\n bind"),
  }],
  ["defaults that inherit others", "weight 10", "", /those of "d1"/, {
    start: START.replace("defaults", "defaults d1\n default-server weight 50\ndefaults d2 from d1"),
  }],
  ["a server below a condition", "weight 10", "weight 9", /another way/, {
    start: START.replace("backend app", ".if defined(A)\nbackend app").replace(
      "backend other",
      ".endif\nbackend other",
    ),
  }],
  ["a condition above", "weight 10", "weight 9", /another way/, {
    start: `  .if defined(A)\n.endif\n${START}`,
  }],
  ...[`option "per"sist`, "option p\\x65rsist", `option per''sist`, `option "\${P}"`, 'option "$P"']
    .map(
      (line) =>
        [
          `a server to which clients stick by ${line}`,
          "    server s2 10.0.0.2:80\n",
          "",
          /persist/,
          {
            start: START.replace("balance", `${line}\n balance`),
            environment: { P: "persist" },
          },
        ] as const,
    ),
  ["a server that is used by a variable of the file", "    server s2 10.0.0.2:80\n", "", /refers/, {
    start: `global\n setenv K srv_is_up(app/s2)\n${
      START.replace("bind", 'http-request deny if { "${K}" }\n bind')
    }`,
  }],
  ["an address that logs go to, in pieces", "10.0.0.1:80 check", "10.0.0.9:80 check", /logs/, {
    start: START.replace("balance", 'mode l"o"g\n balance'),
  }],
  ["an address where the mode is unknown", "10.0.0.1:80 check", "10.0.0.9:80 check", /logs/, {
    start: START.replace("balance", 'mode "${MODE}"\n balance'),
  }],
  ["a section with defaults that a variable may name", "weight 10", "weight 9", /name/, {
    start: START.replace("backend app", 'backend app "${FROM}" d'),
  }],
  ["a section with defaults named in pieces", "weight 10", "weight 9", /those of "d"/, {
    start: START.replace("backend app", "backend app fr'o'm d"),
  }],
  [
    "backup servers in pieces in another order",
    ...[BACKUPS, BACKUPS_MOVED].map((lines) => lines.replaceAll("backup", 'back"up"')) as [
      string,
      string,
    ],
    /backup/,
    {
      start: START.replace("    balance", `${BACKUPS.replaceAll("backup", 'back"up"')}    balance`),
    },
  ],
  [
    "servers that may be anything in another order",
    ...[BACKUPS, BACKUPS_MOVED].map((lines) => lines.replaceAll("backup", '"${KIND}"')) as [
      string,
      string,
    ],
    /only HAProxy knows/,
    {
      start: START.replace(
        "    balance",
        `${BACKUPS.replaceAll("backup", '"${KIND}"')}    balance`,
      ),
    },
  ],
  ["a file that is cut off", "server s1 10.0.1.1:80\n", "server s1 10.0.1.1:8", /another way/],
  ["maxconn of all", "maxconn 5", "maxconn 6", /maxconn changed/, {
    start: `global\n  maxconn 5\n${START}`,
  }],
  ["maxconn of defaults", "maxconn 5", "maxconn 6", /maxconn changed/, {
    start: START.replace("mode http", "maxconn 5"),
  }],
  ["maxconn that a frontend has no more", "    maxconn 5\n", "", /not one plain number/, {
    start: START.replace("bind", "maxconn 5\n    bind"),
  }],
  ["two maxconn of a frontend", "maxconn 5", "maxconn 6", /not one plain number/, {
    start: START.replace("bind", "maxconn 5\n    maxconn 7\n    bind"),
  }],
  ["maxconn 0, which is that of all", "maxconn 5", "maxconn 0", /not one plain number/, {
    start: START.replace("bind", "maxconn 5\n    bind"),
  }],
  ["maxconn that decides over servers", "maxconn 5", "maxconn 6", /"minconn"/, {
    start: START.replace("bind", "maxconn 5\n    bind").replace("check", "minconn 1 maxconn 9"),
  }],
  ["a server whose end cuts connections", "    server s2 10.0.0.2:80\n", "", /connections/, {
    start: START.replace("balance", "default-server on-marked-down shutdown-sessions\n balance"),
  }],
];

for (const [what, from, to, reason, options] of RELOADS) {
  Deno.test(`${what} takes a reload`, () => {
    const found = plan([from, to], options);
    assert.equal(found.tag, "reload", JSON.stringify(found));
    assert.match(found.tag === "reload" ? found.reason : "", reason);
  });
}

Deno.test("the order of servers matters to some algorithms alone", () => {
  const [one, other] = [
    "    server s1 10.0.0.1:80 check weight 10\n",
    "    server s2 10.0.0.2:80\n",
  ];
  assert.deepEqual(changes([one + other, other + one]), []);
  const start = START.replace("balance roundrobin", "hash-type consistent\n    balance uri");
  assert.equal(plan([one + other, other + one], { start }).tag, "reload");
});

Deno.test("the algorithm may be that of the defaults, or HAProxy's own", () => {
  const edit = ["server s2", "server s3"] as const;
  const none = START.replace("    balance roundrobin\n", "");
  assert.equal(plan(edit, { start: none }).tag, "plan");
  const source = none.replace("mode http", "mode http\n    balance source");
  assert.equal(plan(edit, { start: source }).tag, "reload");
  assert.equal(plan(edit, { start: START.replace("roundrobin", "random(2)") }).tag, "plan");
});

Deno.test("the maxconn of a frontend can change, beside servers or alone", () => {
  const start = START.replace("bind", "maxconn 5\n    bind").replace(
    "backend other",
    "listen other from d\n maxconn 7",
  );
  const limit = { frontend: "web", from: 5, to: 60 };
  const found = plan(["maxconn 5", "maxconn 60 # more"], { start });
  assert.ok(found.tag === "plan");
  assert.deepEqual(found.changes, { servers: [], frontends: [limit] });
  const other = planned([start], [
    start.replace("maxconn 5", "maxconn 60").replace("maxconn 7", "maxconn 8").replace(
      "weight 10",
      "weight 9",
    ),
  ]);
  assert.ok(other.tag === "plan");
  assert.deepEqual(other.changes.frontends, [limit, { frontend: "other", from: 7, to: 8 }]);
  assert.equal(other.changes.servers.length, 1);
});

Deno.test("one of several backup servers may go", () => {
  const start = START.replace("    balance", `${BACKUPS}    balance`);
  assert.deepEqual(changes(["    server a 10.0.0.3:80 backup\n", ""], { start }), [
    { tag: "removed", backend: "app", server: "a" },
  ]);
});

Deno.test("more servers at once than a reload is slower for take one", () => {
  const lines = (port: number) =>
    Array.from({ length: 501 }, (_, at) => `server n${at} 10.0.0.1:${port}\n`).join("");
  const found = plan([lines(80), lines(81)], { start: `backend b\n${lines(80)}` });
  assert.deepEqual(found, { tag: "reload", reason: "more than 500 servers changed" });
});

Deno.test("defaults count that stand far above, or in another file", () => {
  const more = Array.from({ length: 500 }, (_, at) => `backend n${at}\n server s1 10.0.0.1:80\n`)
    .join("");
  const top = "defaults\n mode http\n default-server weight 7\n";
  const [before, after] = ["", " weight 9"].map((word) =>
    `${more}backend b\n server s1 10.0.0.1:80${word}\n`
  );
  for (
    const [old, next] of [[[top + before], [top + after]], [[top, before!], [top, after!]]] as const
  ) {
    const found = planned(old, next);
    assert.ok(found.tag === "plan" && found.changes.servers[0]?.tag === "changed");
    assert.deepEqual(found.changes.servers[0].weight, { from: 7, to: 9 });
    assert.equal(found.changes.servers[0].backend, "b");
  }
});

Deno.test("servers change in several files, and in the first and the last section", () => {
  const text = (weight: number) =>
    `backend a\n server s1 10.0.0.1:80 weight ${weight}\nbackend m\n server s1 10.0.0.1:80\n` +
    `backend z\n server s1 10.0.0.1:80 weight ${weight}\n`;
  const [one, other] = [text(1), text(2)];
  const found = planned([one, other], [other, one]);
  assert.ok(found.tag === "plan");
  assert.deepEqual(found.changes.servers.map(({ backend }) => backend), ["a", "z", "a", "z"]);
});
