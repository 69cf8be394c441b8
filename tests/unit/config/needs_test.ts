import assert from "node:assert/strict";
import { type Needs, NO_NEEDS, readNeeds } from "../../../lib/config/needs.ts";
import { atOnce } from "../../../lib/system/threads.ts";

const VARIABLES = { MODE: "global", ADDRESS: "quic4@:443", MOST: "200" };

/** The needs of files with these `texts`, in this order. */
function read(texts: readonly string[]): Needs {
  const files = texts.map((text, index) => ({ path: `/${index}.cfg`, text }));
  return atOnce(readNeeds(files, VARIABLES));
}

const LOAD = "defaults\n  load-server-state-from-file global";
const OWN = "global\n  server-state-file /state";

const STATES: Readonly<Record<string, readonly [wanted: boolean, ...texts: string[]]>> = {
  "not mentioned": [false, "defaults\n  mode http"],
  "in defaults": [true, LOAD],
  "in a proxy": [true, "backend a\n  load-server-state-from-file global # as it was"],
  "in quotes": [true, "backend a\n  'load-server-state-from-file' \"global\""],
  "from files of their own": [false, "defaults\n  load-server-state-from-file local"],
  "from none": [false, "defaults\n  load-server-state-from-file none"],
  "in a comment": [false, "defaults\n  # load-server-state-from-file global"],
  "from both": [true, `${LOAD}\nbackend a\n  load-server-state-from-file local`],
  "a file of the user's": [false, `${OWN}\n${LOAD}`],
  "a file of the user's below": [false, `${LOAD}\n${OWN}`],
  "a file of the user's in an earlier file": [false, OWN, LOAD],
  "a file of the user's in a later file": [false, LOAD, OWN],
  "a file of the user's in a comment": [true, `global\n  #server-state-file /state\n${LOAD}`],
  "only a base of the user's": [true, `global\n  server-state-base /states\n${LOAD}`],
  "only a name for one proxy": [true, `${LOAD}\nbackend a\n  server-state-file-name a.state`],
  "in the branch of a condition": [true, `.if defined(X)\n${LOAD}\n.else\ndefaults\n.endif`],
  "a file of the user's in a branch": [false, `.if defined(X)\n${OWN}\n.endif\n${LOAD}`],
  "by a variable": [true, 'defaults\n  load-server-state-from-file "${MODE}"'],
  "by a variable that was set": [
    false,
    "global\n  setenv MODE local",
    'defaults\n  load-server-state-from-file "$MODE"',
  ],
  "by a variable set in an earlier file": [
    true,
    "global\n  setenv WHICH global",
    'defaults\n  load-server-state-from-file "$WHICH"',
  ],
  "by an unknown variable": [
    false,
    'defaults\n  load-server-state-from-file "$NEVER"',
  ],
};

for (const [what, [wanted, ...texts]] of Object.entries(STATES)) {
  Deno.test(`the servers' state is ${wanted ? "" : "not "}needed: ${what}`, () => {
    assert.equal(read(texts).loadsServerState, wanted);
  });
}

const BIND = "frontend a\n  bind quic4@:443 ssl crt /a.pem alpn h3";
const SECRET = "global\n  cluster-secret mine";
interface QuicWords {
  readonly sharesSecret: boolean;
  readonly sharedSockets: string | null;
}

const WANTED: QuicWords = { sharesSecret: true, sharedSockets: null };
const NOT_WANTED: QuicWords = { sharesSecret: false, sharedSockets: null };
const sharing = (words: string): QuicWords => ({
  sharesSecret: true,
  sharedSockets: `"${words}" in "/0.cfg" line 2`,
});

const QUIC: Readonly<Record<string, readonly [words: QuicWords, ...texts: string[]]>> = {
  "not mentioned": [NOT_WANTED, "frontend a\n  bind :443 ssl crt /a.pem"],
  "bound": [WANTED, BIND],
  "bound by IPv6": [WANTED, BIND.replace("quic4", "quic6")],
  "bound beside TCP": [WANTED, "frontend a\n  bind :443,quic4@:443 ssl crt /a.pem"],
  "bound by a variable": [WANTED, 'frontend a\n  bind "${ADDRESS}" ssl crt /a.pem'],
  "bound by a variable of the configuration": [
    WANTED,
    "global\n  setenv UDP quic4@:443",
    'frontend a\n  bind "$UDP" ssl crt /a.pem',
  ],
  "in a comment": [NOT_WANTED, "frontend a\n  # bind quic4@:443"],
  "of a server": [NOT_WANTED, "backend a\n  server one quic4@10.0.0.1:443"],
  "switched off": [NOT_WANTED, `global\n  no-quic\n${BIND}`],
  "a secret of the user's": [NOT_WANTED, `${SECRET}\n${BIND}`],
  "a secret of the user's below": [NOT_WANTED, `${BIND}\n${SECRET}`],
  "a secret of the user's in another file": [NOT_WANTED, BIND, SECRET],
  "a secret of the user's in quotes": [NOT_WANTED, `global\n  'cluster-secret' "mine"\n${BIND}`],
  "a secret of the user's in a branch": [
    NOT_WANTED,
    `.if defined(X)\n${SECRET}\n.endif\n${BIND}`,
  ],
  "a secret of the user's in a comment": [WANTED, `global\n  # cluster-secret mine\n${BIND}`],
  "sockets of the listeners, up to 3.2": [
    sharing("tune.quic.socket-owner listener"),
    `global\n  tune.quic.socket-owner listener\n${BIND}`,
  ],
  "sockets of the listeners, from 3.3 on": [
    sharing("tune.quic.fe.sock-per-conn force-off"),
    `global\n  tune.quic.fe.sock-per-conn force-off\n${BIND}`,
  ],
  "sockets of one listener": [
    sharing("quic-socket listener"),
    `${BIND} quic-socket listener\n  bind quic6@:443 ssl crt /a.pem`,
  ],
  "sockets of the connections": [WANTED, `global\n  tune.quic.socket-owner connection\n${BIND}`],
  "sockets of the listeners, and no QUIC": [
    NOT_WANTED,
    "global\n  tune.quic.socket-owner listener",
  ],
};

for (const [what, [wanted, ...texts]] of Object.entries(QUIC)) {
  Deno.test(`QUIC: ${what}`, () => {
    const { sharesSecret, noted } = read(texts);
    assert.deepEqual({ sharesSecret, sharedSockets: noted.shared_sockets }, wanted);
  });
}

const CONNECTIONS: Readonly<
  Record<string, readonly [most: number | null, ...texts: string[]]>
> = {
  "not mentioned": [null, "global\n  stats timeout 1h"],
  "a number": [200, "global\n  stats maxconn 200"],
  "in quotes": [200, "global\n  'stats' \"maxconn\" '200'"],
  "in a comment": [null, "global\n  # stats maxconn 200"],
  "a number followed by letters": [12, "global\n  stats maxconn 12abc"],
  "by a variable": [200, 'global\n  stats maxconn "${MOST}"'],
  "by an unknown variable": [null, 'global\n  stats maxconn "${NEVER}"'],
  "by a variable of the configuration": [
    70,
    "global\n  setenv MANY 70",
    'global\n  stats maxconn "$MANY"',
  ],
  "not a number": [null, "global\n  stats maxconn many"],
  "more than an int holds": [null, "global\n  stats maxconn 20000000000"],
  "twice, the larger first": [200, "global\n  stats maxconn 200\n  stats maxconn 20"],
  "twice, the larger last": [200, "global\n  stats maxconn 20", "global\n  stats maxconn 200"],
  "in both branches": [
    200,
    "global\n.if defined(X)\n  stats maxconn 20\n.else\n  stats maxconn 200\n.endif",
  ],
  "by a variable of one of the branches": [
    null,
    "global\n.if defined(X)\n  setenv MANY 200\n.else\n  setenv MANY 20\n.endif\n" +
    '  stats maxconn "$MANY"',
  ],
  "by a variable, below a branch without any": [
    200,
    'global\n.if defined(X)\n  no-quic\n.endif\n  stats maxconn "$MOST"',
  ],
};

for (const [what, [most, ...texts]] of Object.entries(CONNECTIONS)) {
  Deno.test(`stats maxconn: ${what}`, () => {
    assert.equal(read(texts).statsMaxconn, most);
  });
}

const NOTED: Readonly<Record<string, readonly [Partial<Needs["noted"]>, ...texts: string[]]>> = {
  "warnings that are errors": [
    { zero_warning: '"zero-warning" in "/1.cfg" line 2' },
    "",
    "global\n  zero-warning",
  ],
  "a pid file": [
    { pidfile: '"pidfile" in "/0.cfg" line 3' },
    "global\n\n  pidfile /run/haproxy.pid\n  pidfile /run/other.pid",
  ],
  "none in comments": [{}, "global\n  # zero-warning\n  # pidfile /a"],
};

for (const [what, [noted, ...texts]] of Object.entries(NOTED)) {
  Deno.test(`noted words: ${what}`, () => {
    assert.deepEqual(read(texts).noted, { ...NO_NEEDS.noted, ...noted });
  });
}

for (
  const [text, obtains] of [
    ["acme LE\n    directory https://a.test/dir\n", true],
    ["crt-store\n    load crt a acme LE\n", false],
    ["# acme LE\n", false],
  ] as const
) {
  Deno.test(`certificates are ${obtains ? "" : "not "}obtained by ${JSON.stringify(text)}`, () => {
    assert.equal(read([text]).obtains, obtains);
  });
}

for (
  const [text, shares] of [
    ["global\n    maxconn 10\n", true],
    ["global\n    noreuseport\n", false],
    ["global\n    # noreuseport\n", true],
    ['global\n    setenv A noreuseport\n    "noreuseport"\n', false],
  ] as const
) {
  Deno.test(`ports are ${shares ? "" : "not "}shared after ${JSON.stringify(text)}`, () => {
    assert.equal(read([text]).sharesPorts, shares);
  });
}

const MASTERS: Readonly<Record<string, string | null>> = {
  "global\n  master-worker": '"/0.cfg" line 2',
  "global\n  master-worker no-exit-on-failure # why": '"/0.cfg" line 2',
  "global\n  # master-worker": null,
  "global\n.if defined(X)\n  master-worker\n.endif": null,
  "global\n.if defined(X)\n.endif\n  master-worker": '"/0.cfg" line 4',
  "backend master-worker": null,
};

for (const [text, place] of Object.entries(MASTERS)) {
  Deno.test(`master-worker is ${place ?? "nowhere for sure"} in ${JSON.stringify(text)}`, () => {
    assert.equal(read([text]).masterWorker, place);
  });
}
