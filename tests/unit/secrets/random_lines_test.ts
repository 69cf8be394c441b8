/** Random lines of known keywords, with a secret wherever no name, address or path belongs. It is never shown. */
import assert from "node:assert/strict";
import { maskedLine } from "../../../lib/secrets/masked_line.ts";
import { vocabulary } from "../../../lib/secrets/vocabulary.ts";
import { MARKER } from "../../support/secrets.ts";

const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
const LINES = 20_000;

Deno.test(`${LINES} random lines show no secret, from the seed ${SEED}`, () => {
  const random = new Random(SEED);
  for (let count = 0; count < LINES; count++) {
    const line = lineOf(random);
    const shown = maskedLine(line);
    assert.ok(!shown.includes(MARKER), `of ${JSON.stringify(line)}: ${shown}`);
  }
});

Deno.test("no keyword exposes a secret next to it", () => {
  for (const keyword of vocabulary().all.keys()) {
    for (const line of BESIDE_A_SECRET) {
      for (const secret of [MARKER, "73915284"]) {
        const shown = maskedLine(line.replaceAll("@", () => keyword).replaceAll("§", secret));
        assert.ok(!shown.includes(secret), `with ${keyword} of ${line}: ${shown}`);
      }
    }
  }
});

/** `@` stands for any keyword. */
const BESIDE_A_SECRET = `
  setenv @ §|setenv @ if §|http-request set-header @ § if §|http-request replace-header @ @ §|user @ §|user a @ §
  http-request return status 200 hdr @ §|http-request return string @ §|stats auth @ §|description @ §|log-format @ §
  http-request set-var(txn.a) @ §|http-request set-var(txn.a) @(§)|http-request deny if { req.hdr(x) @ § }
  http-request deny if @ { req.hdr(x) § }|acl k req.hdr(x) @ §|option httpchk @ §|http-check send @ §
  tcp-check expect string @ §|server s 10.0.0.1:80 agent-send @ §|server s 10.0.0.1:80 @ agent-send §
  user a groups @ insecure-password §|bind :443 ssl @ ca-sign-pass §
`.split(/[|\n]/).map((line) => line.trim()).filter((line) => line !== "");

/** `§` stands for a value. Written by hand, so that the grammar does not test itself. */
const LINES_WITH_VALUES = `
  setenv NAME §|presetenv NAME §|set-var proc.x str(§)|description §|ssl-passphrase-cmd § §
  lua-load /a.lua §|user admin insecure-password § groups ops|user admin password §
  stats auth §|stats realm §|stats uri §|stats refresh §|http-request auth realm § if local
  http-request set-header X-Auth-Token § if { req.hdr(§) -m str § }|http-request set-path §
  http-request add-header Cookie § unless { url_param(§) § }|http-response set-header Set-Cookie §
  http-request replace-header Cookie § §|http-request redirect location § code 301 if a
  redirect prefix § code 302|http-request return status 200 content-type text/plain string §
  http-request set-var(txn.a) str(§),hmac(sha256,§)|http-request set-header X %[str(§),jwt_verify(HS256,§)]
  http-request deny if { req.hdr(authorization) -m beg § } { var(txn.a) § } or b
  http-request track-sc0 req.hdr(§) table t|acl token req.hdr(authorization) -i § § §
  acl token req.hdr(x-api-key),lower -m reg §|acl a cook(§) §|log-format §|unique-id-format § §
  option httpchk § § §|option mysql-check user §|http-check send hdr Authorization § body §
  http-check expect string §|tcp-check send §|tcp-check expect rstring §|dynamic-cookie-key §
  balance url_param §|balance hdr(§)|cookie S insert attr §|stick on req.cook(§) table t
  server s 10.0.0.1:80 agent-send § weight 3|server s 10.0.0.1:80 sni str(§) check|server s 10.0.0.1:80 weight §
  bind :443 ssl ca-sign-pass § alpn h2|bind :443 maxconn §|timeout client §|maxconn §|errorloc 503 §
  use_backend %[str(§),lower]|email-alert from § to §|monitor-uri §|tcp-request content set-var(sess.a) str(§)
  §|§ §|password §|insecure-password §|token: §|# §|mode http # §
`.split(/[|\n]/).map((line) => line.trim()).filter((line) => line !== "");

function lineOf(random: Random): string {
  const line = random.chance(0.3) ? anyLine(random) : random.one(LINES_WITH_VALUES);
  const cut = random.chance(0.2) ? misspelt(line, random) : line;
  const blank = () => random.one([" ", "  ", "\t", " \t", "\r"]);
  const filled = cut.replaceAll(" ", blank).replace(
    /(\(?)§/g,
    (_, open) => open + value(random, open),
  );
  const more = random.chance(0.3) ? `${blank()}${value(random, "")}`.repeat(random.below(3)) : "";
  const tail = random.one(["", "", "\\", "\r", ` # ${MARKER}`, ` "${MARKER}`, ` '${MARKER}`]);
  return `${random.one(["", "    ", "\t"])}${filled}${endsOpen(cut) ? "" : more}${tail}`;
}

/** After these another word could be the name of an ACL, an address and so on. */
const endsOpen = (line: string) =>
  / (?:\}|or b|if a|if local|groups ops|table t|check)$|^cookie|^tune|^[a-z_.-]+ [a-z_.-]+$/.test(
    line,
  ) ||
  line.split(" ").length < 3;

/** A keyword, any other after it, and a value that belongs to neither. */
const anyLine = (random: Random) => `${random.one(first())} ${random.one(others())} §`;

const first = () => [...vocabulary().first.keys()].filter((keyword) => !NAMES.test(keyword));
const others = () => [...vocabulary().all.keys()].filter((keyword) => !NAMING.test(keyword));

/** Lines that begin with a name, an address, a path or a list of codes. */
const NAMES = new RegExp(
  "^(?:global|traces|defaults|frontend|backend|peers|resolvers|userlist|mailers|ring|cache|program|http-errors|" +
    "fcgi-app|log-forward|log-profile|crt-store|acme|healthcheck|listen|acl|(?:dgram-)?bind|server|server-template|" +
    "peer|mailer|nameserver|default_backend|use-fcgi-app|use_backend|use-server|user|group|table|localpeer|node|" +
    "log-tag|engine-id|server-state-file-name|cpu-map|cpu-set|bind-process|errorfiles?|unsetenv|resetenv|setenv|" +
    "presetenv|set-var|set-var-fmt|cookie|log|source|dispatch|monitor-net|http-send-name-header|unique-id-header|" +
    "chroot|.*-base|pidfile|server-state-file|issuers-chain-path|ssl-dh-param-file|h1-case-adjust-file|" +
    "httpclient\\.ssl\\.ca-file|httpclient\\.resolvers\\..*|lua-load.*|default-path|backing-file|.*stats-file|" +
    "account-key|docroot|ssl-default-.*|curves|dns-accept-family|.*force-.*|ignore-persist|block|" +
    "default-server|default-bind|load|ssl-f-use|unix-bind)$",
);

/** Words that such values, or the name of an ACL, follow. */
const NAMING = new RegExp(
  "^(?:if|unless|socket|bind|table|peers|write-to|groups|users|mailers|level|admin|fail|errorfiles?|errorfile|lf-file|file|" +
    "hdr|header|.*-header|early-hint|replace-value|send-spoe-group|ot-group|set-bandwidth-limit|normalize-uri|" +
    "except|cache|cache-use|fcgi-app|bwlim-.*|cookie|domain|use-service|bind-process|crt|.*-crt|crt-.*|key|ocsp|" +
    "issuer|sctl|ca-.*|crl-file|tls-ticket-keys|ech|alpn|npn|ciphers.*|curves|ecdhe|.*sigalgs|group|guid.*|" +
    "interface|name|namespace|process|proto|.*-proto|thread|user|label|healthcheck|resolvers|track|addr|agent-addr|" +
    "socks4|source|redir|resolve-.*|usesrc|verifyhost|check-(?:sni|alpn)|init-addr|proxy-v2-options|from|spoe|config|" +
    "set-timeout|alias|content-type|fhdr|-f|or|\\|\\||!?\\{)$",
);

function misspelt(line: string, random: Random): string {
  const [word = "", ...rest] = line.split(" ");
  const at = random.below(word.length);
  const wrong = random.one([
    word.slice(0, at) + word.slice(at + 1),
    word.slice(0, at) + "x" + word.slice(at),
    word.slice(0, at) + word.slice(at, at + 2).split("").reverse().join("") + word.slice(at + 2),
  ]);
  // A truncated word may be another keyword, which a name follows.
  return vocabulary().first.has(wrong) || word.includes("§") ? line : [wrong, ...rest].join(" ");
}

function value(random: Random, open: string): string {
  const plain = random.one([
    MARKER,
    `u:${MARKER}`,
    `/etc/${MARKER}.pem`,
    `10.0.0.1:${MARKER}`,
    `https://u:${MARKER}@host/`,
    `123${MARKER}`,
    `${MARKER}==`,
    `h2,${MARKER}`,
  ]);
  if (open === "(") return plain.replaceAll(",", "-");
  return random.one([
    plain,
    `"${plain}"`,
    `'${plain}'`,
    `"a ${plain} b"`,
    `'if ${plain}'`,
    `a\\ ${plain}`,
    `\\"${plain}\\"`,
    `"$\{NONE-${plain}}"`,
    `"it's ${plain}"`,
    `"a \\" ${plain}"`,
    `server\\ ${plain}`,
  ]);
}

/** Numbers that depend only on the seed. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** The algorithm mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6D2B79F5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}
