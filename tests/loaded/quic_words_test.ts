import assert from "node:assert/strict";
import { type QuicWords, readQuicWords } from "../../lib/loaded/quic_words.ts";

const BIND = "frontend a\n  bind quic4@:443 ssl crt /a.pem alpn h3";
const SECRET = "global\n  cluster-secret mine";
const WANTED: QuicWords = { wantsSecret: true, sharedSockets: null };
const NOT_WANTED: QuicWords = { wantsSecret: false, sharedSockets: null };
const sharing = (words: string, line: number): QuicWords => ({
  wantsSecret: true,
  sharedSockets: `"${words}" in "/0.cfg" line ${line}`,
});

const CONFIGURATIONS: Readonly<Record<string, readonly [words: QuicWords, ...texts: string[]]>> = {
  "no word of it": [NOT_WANTED, "frontend a\n  bind :443 ssl crt /a.pem"],
  "bound": [WANTED, BIND],
  "bound by IPv6": [WANTED, BIND.replace("quic4", "quic6")],
  "bound beside TCP": [WANTED, "frontend a\n  bind :443,quic4@:443 ssl crt /a.pem"],
  "bound by a variable": [WANTED, 'frontend a\n  bind "${ADDRESS}" ssl crt /a.pem'],
  "bound by a variable of the configuration": [
    ...[WANTED, "global\n  setenv UDP quic4@:443"] as const,
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
    ...[NOT_WANTED, `.if defined(X)\n${SECRET}\n.endif\n${BIND}`] as const,
  ],
  "a secret of the user's in a comment": [WANTED, `global\n  # cluster-secret mine\n${BIND}`],
  "sockets of the listeners, up to 3.2": [
    sharing("tune.quic.socket-owner listener", 2),
    `global\n  tune.quic.socket-owner listener\n${BIND}`,
  ],
  "sockets of the listeners, from 3.3 on": [
    sharing("tune.quic.fe.sock-per-conn force-off", 2),
    `global\n  tune.quic.fe.sock-per-conn force-off\n${BIND}`,
  ],
  "sockets of one listener": [
    sharing("quic-socket listener", 2),
    `${BIND} quic-socket listener\n  bind quic6@:443 ssl crt /a.pem`,
  ],
  "sockets of the connections": [WANTED, `global\n  tune.quic.socket-owner connection\n${BIND}`],
  "sockets of the listeners, and no QUIC": [
    ...[NOT_WANTED, "global\n  tune.quic.socket-owner listener"] as const,
  ],
};

for (const [what, [wanted, ...texts]] of Object.entries(CONFIGURATIONS)) {
  Deno.test(`what is said about QUIC: ${what}`, () => {
    const files = texts.map((text, index) => ({ path: `/${index}.cfg`, text }));
    assert.deepEqual(readQuicWords(files, { ADDRESS: "quic4@:443" }), wanted);
  });
}
