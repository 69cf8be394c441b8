import assert from "node:assert/strict";
import { rewriteCertificateList, rewriteConfigurations } from "../../../lib/last_good/rewrite.ts";
import type { Bases } from "../../../lib/config/base_directories.ts";

const ENVIRONMENT = { DIRECTORY: "/certs", SEVERAL: "crt /a.pem crt /b.pem" };

/** Everything has a copy, except names with "absent" or "%[" in them. */
const copyOf = (path: string) => /absent|%\[/.test(path) ? null : `/copy${path}`;

const FILE = "/etc/h/h.cfg";

const rewrite = (text: string) =>
  rewriteConfigurations([{ path: FILE, text }], {
    workingDirectory: "/srv",
    environment: ENVIRONMENT,
    copyOf,
  });

const REWRITTEN: Readonly<Record<string, string>> = {
  "bind :443 ssl crt /a.pem alpn h2": "bind :443 ssl crt '/copy/a.pem' alpn h2",
  "bind :443 ssl crt /a.pem crt b.pem": "bind :443 ssl crt '/copy/a.pem' crt '/copy/srv/b.pem'",
  "\tbind  :443\tssl  crt   /a.pem  # crt /a.pem":
    "\tbind  :443\tssl  crt   '/copy/a.pem'  # crt /a.pem",
  "bind :443 ssl crt /a.pem#x": "bind :443 ssl crt '/copy/a.pem'#x",
  "bind :443 ssl crt /certs//": "bind :443 ssl crt '/copy/certs'",
  "bind :443 ssl crt-list /list": "bind :443 ssl crt-list '/copy/list'",
  "bind crt ssl crt /a.pem": "bind crt ssl crt '/copy/a.pem'",
  "server crt 127.0.0.1:1 ssl crt /a.pem ca-file /ca.pem crl-file /crl.pem":
    "server crt 127.0.0.1:1 ssl crt '/copy/a.pem' ca-file '/copy/ca.pem' crl-file '/copy/crl.pem'",
  "bind :443 ssl tls-ticket-keys /keys": "bind :443 ssl tls-ticket-keys '/copy/keys'",
  "ssl-f-use crt /a.pem alpn h2": "ssl-f-use crt '/copy/a.pem' alpn h2",
  "ssl-dh-param-file /a": "ssl-dh-param-file '/copy/a'",
  "issuers-chain-path /a/": "issuers-chain-path '/copy/a'",
  "lua-load /a.lua /b": "lua-load '/copy/a.lua' /b",
  "errorfile 503 /503": "errorfile 503 '/copy/503'",
  "http-request return status 200 hdr file lf-file file /a if { path /a }":
    "http-request return status 200 hdr file lf-file file '/copy/a' if { path /a }",
  "http-request deny deny_status 429 errorfile /a if { src -f /b }":
    "http-request deny deny_status 429 errorfile '/copy/a' if { src -f '/copy/b' }",
  "filter spoe engine config config /a": "filter spoe engine config config '/copy/a'",
  "acl x hdr(user-agent) -m str -f a -i -f ./b c":
    "acl x hdr(user-agent) -m str -f '/copy/srv/a' -i -f '/copy/srv/b' c",
  "acl x src -f opt@a -f file@/b -f virt@c":
    "acl x src -f 'opt@/copy/srv/a' -f 'file@/copy/b' -f virt@c",
  "acl x path_beg /a.pem -f /a": "acl x path_beg /a.pem -f /a",
  "use_backend %[req.hdr(host),lower,map_dom(/a,b)]":
    "use_backend '%[req.hdr(host),lower,map_dom(/copy/a,b)]'",
  "log-format %[src,map(/a,/x)]\\ %[src,map_ip(b)],map(/c)":
    "log-format '%[src,map(/copy/a,/x)] %[src,map_ip(/copy/srv/b)],map(/copy/c)'",
  [`log-format '%[src,map("/a,b)c",x)]'`]: `log-format '%[src,map("/copy/a,b)c",x)]'`,
  [`log-format '%[src,map(/a" b",x)]'`]: `log-format '%[src,map("/copy/a b",x)]'`,
  [`log-format "%[src,map('opt@/a',x)]"`]: `log-format '%[src,map(opt@/copy/a,x)]'`,
  [`http-request set-var(txn.x) str('it'\\''s'),map(/a)`]:
    `http-request set-var(txn.x) 'str(it'\\''s),map(/copy/a)'`,
  [`http-request return status 200 lf-string "a\\nb'%[src,map(/a)]"`]:
    `http-request return status 200 lf-string 'a'\\n'b'\\''%[src,map(/copy/a)]'`,
  "http-request set-map(/a) %[src] %[src,map(/b)]":
    "http-request 'set-map(/copy/a)' %[src] '%[src,map(/copy/b)]'",
  "http-request add-acl(a) %[src]": "http-request 'add-acl(/copy/srv/a)' %[src]",
  "http-response del-map(/a) %[src]": "http-response 'del-map(/copy/a)' %[src]",
  "http-request deny unless { var(txn.t),jwt_verify(txn.alg,/a.pem) 1 }":
    "http-request deny unless { 'var(txn.t),jwt_verify(txn.alg,/copy/a.pem)' 1 }",
  [`bind :443 ssl crt "$DIRECTORY/a.pem" crt '/b c' crt /d\\#e`]:
    "bind :443 ssl crt '/copy/certs/a.pem' crt '/copy/b c' crt '/copy/d#e'",
  [`bind :443 ssl "\${SEVERAL[*]}" crt /c`]:
    "bind :443 ssl 'crt' '/copy/a.pem' 'crt' '/copy/b.pem' crt '/copy/c'",
  "bind :443 ssl crt absent.pem crt /absent/b crt /c":
    "bind :443 ssl crt '/srv/absent.pem' crt /absent/b crt '/copy/c'",
  "acl x src -f opt@absent": "acl x src -f 'opt@/srv/absent'",
};

for (const [line, rewritten] of Object.entries(REWRITTEN)) {
  Deno.test(`rewriting: ${line}`, () => {
    assert.equal(rewrite(line).texts.get(FILE), rewritten);
  });
}

const LEFT: readonly string[] = [
  "bind :443 ssl crt @web/a crt @/b crt",
  "bind :443 ssl ca-file @system-ca",
  "bind /run/a.sock",
  "errorfile 503 /absent",
  "http-request return status 200 if { path file /a }",
  "http-request return status 200 lf-file /a/%[path]",
  "http-request redirect location /certs/a",
  "acl x path_beg /certs",
  "acl x path a -f /a",
  "crt-base /certs",
  "acl x var(txn.t),jwt_verify(HS256,/secret) 1",
  "server-state-file /a",
  "log /a local0",
  "stats socket /a",
  "chroot /a",
  `http-request set-header x "$DIRECTORY"`,
  "# bind :443 ssl crt /a.pem",
];

for (const line of LEFT) {
  Deno.test(`rewriting: nothing of ${line}`, () =>
    assert.equal(rewrite(line).texts.get(FILE), line));
}

Deno.test("rewriting: text without paths is not touched, whatever it looks like", () => {
  const text = "\n# x\r\ndefaults \r\n\n  errorfile 400 /a\r\n\n\tmode\thttp  \n";
  assert.equal(
    rewrite(text).texts.get(FILE),
    "\n# x\r\ndefaults \r\n\n  errorfile 400 '/copy/a'\r\n\n\tmode\thttp  \n",
  );
});

Deno.test("rewriting: bases and paths apply to the names, and stay", () => {
  const text = "crt-base /crt\nca-base /ca\nbind :1 ssl crt a crt /b ca-file c\n" +
    "default-path config\nerrorfile 400 d\nerrorfile 500 absent";
  assert.equal(
    rewrite(text).texts.get(FILE),
    "crt-base /crt\nca-base /ca\nbind :1 ssl crt '/copy/crt/a' crt '/copy/b' ca-file '/copy/ca/c'\n" +
      "default-path config\nerrorfile 400 '/copy/etc/h/d'\nerrorfile 500 '/etc/h/absent'",
  );
});

Deno.test("rewriting: a certificate of a store keeps the name that its path gave it", () => {
  const text = `crt-store web
    crt-base /crt
    load crt a/b key c
    load crt /d
    load crt e alias f
crt-store
    load crt g key /h`;
  assert.equal(
    rewrite(text).texts.get(FILE),
    `crt-store web
    crt-base /crt
    load crt '/copy/crt/a/b' 'alias' 'a/b' key '/copy/srv/c'
    load crt '/copy/d' 'alias' 'd'
    load crt '/copy/crt/e' alias f
crt-store
    load crt '/copy/srv/g' key '/copy/h'`,
  );
});

Deno.test("rewriting: variables and settings carry over to the next file", () => {
  const files = [
    { path: "/one/a.cfg", text: "default-path config\nsetenv X y\ncrt-base c\nlua-load a" },
    { path: "/two/b.cfg", text: 'lua-load "$X"\nbind :1 ssl crt d' },
  ];
  const options = { workingDirectory: "/srv", environment: {}, copyOf };
  assert.deepEqual([...rewriteConfigurations(files, options).texts.values()], [
    "default-path config\nsetenv X y\ncrt-base c\nlua-load '/copy/one/a'",
    "lua-load '/copy/two/y'\nbind :1 ssl crt '/copy/two/c/d'",
  ]);
});

Deno.test("rewriting: certificate lists are returned, with where their names start", () => {
  const text = "crt-base /crt\nbind :1 ssl crt-list a\nbind :2 ssl crt-list /b";
  const bases = { crt: "/crt", key: null, ca: null, directory: "/srv" };
  assert.deepEqual([...rewrite(text).lists], [["/srv/a", bases], ["/b", bases]]);
});

const BASES: Bases = { crt: "/crt", key: "/key", ca: "/ca", directory: "/d" };

const LISTED: Readonly<Record<string, string>> = {
  "a.pem": "/copy/crt/a.pem",
  "  /a.pem *.example !b.example\r": "  /copy/a.pem *.example !b.example\r",
  "# a.pem": "# a.pem",
  "@web/a x": "@web/a x",
  "dir/ #x": "/copy/crt/dir #x",
  "/a[ca-file /c]": "/copy/a[ca-file /copy/c]",
  "a [ ca-file c crl-file r  alpn h2 ] ca-file d":
    "/copy/crt/a [ ca-file /copy/ca/c crl-file /copy/ca/r  alpn h2 ] ca-file d",
  "a [key b ocsp c issuer /d] x": "/copy/crt/a [key /copy/key/b ocsp /copy/crt/c issuer /copy/d] x",
  "absent [key /absent]": "/crt/absent [key /absent]",
};

for (const [line, rewritten] of Object.entries(LISTED)) {
  Deno.test(`rewriting: in a certificate list, ${JSON.stringify(line)}`, () => {
    const list = { path: "/list", text: `x\n${line}\n` };
    assert.equal(
      rewriteCertificateList(list, { bases: BASES, copyOf }),
      `/copy/crt/x\n${rewritten}\n`,
    );
  });
}
