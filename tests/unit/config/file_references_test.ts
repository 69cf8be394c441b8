import assert from "node:assert/strict";
import type { Bases } from "../../../lib/config/base_directories.ts";
import {
  type FileReference,
  findFileReferences,
  findListedCertificates,
} from "../../../lib/config/file_references.ts";
import { atOnce } from "../../../lib/system/threads.ts";

const OPTIONS = { workingDirectory: "/srv", environment: { DIRECTORY: "/certs" } };

const find = (text: string) =>
  atOnce(findFileReferences([{ path: "/etc/h/h.cfg", text }], OPTIONS));

/** `role keyword path`, and the name if it is not the path. */
const shown = ({ role, keyword, path, name }: FileReference) =>
  [role, keyword, path, ...(name === path ? [] : [name])].join(" ");

const NAMED: Readonly<Record<string, readonly string[]>> = {
  "bind :443 ssl crt /a.pem": ["certificate crt /a.pem"],
  "bind :443 ssl crt /a.pem crt b.pem": [
    "certificate crt /a.pem",
    "certificate crt /srv/b.pem b.pem",
  ],
  "bind :443 ssl default-crt /a.pem": ["certificate default-crt /a.pem"],
  "bind :443 ssl crt /certs//": ["certificate crt /certs"],
  "bind :443 ssl crt-list /list": ["certificate_list crt-list /list"],
  "bind :443 ssl crt-list @list": ["certificate_list crt-list /srv/@list @list"],
  "bind :443 ssl ca-file /ca.pem": ["ca ca-file /ca.pem"],
  "bind :443 ssl ca-verify-file /ca.pem": ["ca ca-verify-file /ca.pem"],
  "bind :443 ssl ca-sign-file /ca.pem": ["other ca-sign-file /ca.pem"],
  "bind :443 ssl crl-file /crl.pem": ["crl crl-file /crl.pem"],
  "bind :443 ssl tls-ticket-keys /keys": ["ticket_keys tls-ticket-keys /keys"],
  "bind :443 ssl ech /ech": ["other ech /ech"],
  "bind crt ssl crt /a.pem": ["certificate crt /a.pem"],
  "server crt 127.0.0.1:1 ssl crt /a.pem": ["certificate crt /a.pem"],
  "server a b:1 ssl ca-file /ca.pem crl-file /crl.pem": [
    "ca ca-file /ca.pem",
    "crl crl-file /crl.pem",
  ],
  "default-server ssl crt /a.pem": ["certificate crt /a.pem"],
  "default-bind ssl crt /a.pem": ["certificate crt /a.pem"],
  "server-template a 1-3 b:1 ssl crt /a.pem": ["certificate crt /a.pem"],
  "peer a b:1 ssl crt /a.pem": ["certificate crt /a.pem"],
  "ssl-f-use crt /a.pem alpn h2": ["certificate crt /a.pem"],
  "ssl-dh-param-file /a": ["other ssl-dh-param-file /a"],
  "issuers-chain-path /a": ["other issuers-chain-path /a"],
  "lua-load /a.lua /b": ["other lua-load /a.lua"],
  "lua-load-per-thread /a.lua": ["other lua-load-per-thread /a.lua"],
  "h1-case-adjust-file /a": ["other h1-case-adjust-file /a"],
  "httpclient.ssl.ca-file /a": ["ca httpclient.ssl.ca-file /a"],
  "51degrees-data-file /a": ["other 51degrees-data-file /a"],
  "deviceatlas-json-file /a": ["other deviceatlas-json-file /a"],
  "wurfl-data-file /a": ["other wurfl-data-file /a"],
  "wurfl-patch-file /a": ["other wurfl-patch-file /a"],
  "errorfile 503 /a": ["other errorfile /a"],
  "http-request return status 200 content-type text/plain file /a": ["other file /a"],
  "http-request return content-type file lf-file /a if TRUE": ["other lf-file /a"],
  "http-request return hdr file lf-file file /a": ["other file /a"],
  "http-request deny deny_status 429 errorfile /a if { src -f /b }": [
    "other errorfile /a",
    "acl -f /b",
  ],
  "http-request tarpit file /a unless x": ["other file /a"],
  "http-response return lf-file /a": ["other lf-file /a"],
  "http-response deny errorfile /a": ["other errorfile /a"],
  "http-after-response deny errorfile /a": ["other errorfile /a"],
  "http-error status 404 errorfile /a": ["other errorfile /a"],
  "filter spoe engine config config /a": ["other config /a"],
  "filter spoe config /a engine x": ["other config /a"],
  "filter opentracing id x config /a": ["other config /a"],
  "filter ot config /a": ["other config /a"],
  "acl x src -f /a": ["acl -f /a"],
  "acl x hdr(user-agent) -m str -f a -i -n -M -u 7 -f ./b c": [
    "acl -f /srv/a a",
    "acl -f /srv/b ./b",
  ],
  "acl x path,map_str(/a) -f /a": ["acl -f /a", "map map_str /a"],
  "monitor fail if { src -f /a } !{ dst -i -f /b } or { src -f /c }": [
    "acl -f /a",
    "acl -f /b",
    "acl -f /c",
  ],
  "acl x src -f opt@a -f file@/b -f virt@c": ["acl -f /srv/a a", "acl -f /b"],
  "use_backend %[req.hdr(host),lower,map_dom(/a,b)]": ["map map_dom /a"],
  "http-request set-var(txn.x) src,map_ip_int(opt@/a)": ["map map_ip_int /a"],
  "http-request set-header x %[src,map(virt@a)]": [],
  "stick on path,map_beg(/a)": ["map map_beg /a"],
  "log-format %[src,map(/a,/x)]\\ %[src,map_ip(/b)],map(/c)": [
    "map map /a",
    "map map_ip /b",
    "map map /c",
  ],
  [`log-format '%[src,map("/a,b)c",x)]'`]: ["map map /a,b)c"],
  [`log-format '%[src,map(/a" b"\\"c,x)]'`]: [`map map /a b"c`],
  [`log-format "%[src,map(\\"/a b\\",x)]"`]: ["map map /a b"],
  "http-request set-map(/a) %[src] %[src,map(/b)]": ["map map /b"],
  "http-request deny unless { var(txn.t),jwt_verify(txn.alg,/a.pem) 1 }": [
    "other jwt_verify /a.pem",
  ],
  [`acl x var(txn.t),jwt_verify("RS256","a.pem") 1`]: ["other jwt_verify /srv/a.pem a.pem"],
  [`bind :443 ssl crt "$DIRECTORY/a.pem" crt '/b c' crt /d\\#e # crt /f`]: [
    "certificate crt /certs/a.pem",
    "certificate crt /b c",
    "certificate crt /d#e",
  ],
};

for (const [line, files] of Object.entries(NAMED)) {
  Deno.test(`file references: ${line}`, () => assert.deepEqual(find(line).files.map(shown), files));
}

const UNNAMED: readonly string[] = [
  "bind :443 ssl crt @web/a crt @/b crt",
  "bind /a crt",
  "bind :443 ssl ca-file @system-ca",
  "httpclient.ssl.ca-file @system-ca",
  "errorfile 408 /dev/null",
  "errorfile 408 /dev/../proc/self/x",
  "http-request return file /sys/x",
  "errorfile 408",
  `http-request return file ""`,
  "http-request return string file if { path file }",
  "http-request set-header file /a",
  "http-request return status 200 if { path file /a }",
  "http-request return status 200 lf-file /a/%[path]",
  "http-request redirect location /a",
  "http-request set-map(/a) x y",
  "http-request del-map(/a) x",
  "http-request add-acl(/a) x",
  "errorloc 503 /a",
  "errorfiles a",
  "http-request deny errorfiles a",
  "filter trace config /a",
  "filter spoe engine config",
  "acl x path a -f /a",
  "acl x path -- -f /a",
  "acl -f /a /b",
  "http-request deny if { path a -f /a }",
  "http-request deny if -f /a",
  "acl x var(txn.t),jwt_verify(HS256,/secret) 1",
  "acl x var(txn.t),jwt_verify(txn.alg,secret) 1",
  "acl x var(txn.t),jwt_verify(RS256,txn.key) 1",
  "server-state-file /a",
  "server-state-base /a",
  "server-state-file-name /a",
  "pidfile /a",
  "log /a local0",
  "stats socket /a",
  "chroot /a",
  "backing-file /a",
  "constructor /a /b /c",
  "load crt /a",
];

for (const line of UNNAMED) {
  Deno.test(`file references: none by ${line}`, () => assert.deepEqual(find(line).files, []));
}

const BASED: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  "each base has its options": [
    `crt-base /crt
ca-base /ca
key-base /key
bind :1 ssl crt a crt /b crt-list l ca-file c ca-verify-file v crl-file r ca-sign-file s
server x y:1 ssl crt e tls-ticket-keys t
httpclient.ssl.ca-file h`,
    [
      "certificate crt /crt/a",
      "certificate crt /b",
      "certificate_list crt-list /srv/l l",
      "ca ca-file /ca/c",
      "ca ca-verify-file /ca/v",
      "crl crl-file /ca/r",
      "other ca-sign-file /ca/s",
      "certificate crt /crt/e",
      "ticket_keys tls-ticket-keys /srv/t t",
      "ca httpclient.ssl.ca-file /srv/h h",
    ],
  ],
  "an extra slash stays in the name": [
    "crt-base /crt/\nca-base /ca//\nbind :1 ssl crt a crt //b ca-file c",
    ["certificate crt /crt/a /crt//a", "certificate crt /b //b", "ca ca-file /ca/c /ca///c"],
  ],
  "a base takes effect from its line on": [
    "bind :1 ssl crt a\ncrt-base /crt\nbind :1 ssl crt a",
    ["certificate crt /srv/a a", "certificate crt /crt/a"],
  ],
  "default-path current": ["default-path current\nerrorfile 400 a", ["other errorfile /srv/a a"]],
  "default-path config": ["default-path config\nerrorfile 400 a", ["other errorfile /etc/h/a a"]],
  "default-path parent": ["default-path parent\nerrorfile 400 a", ["other errorfile /etc/a a"]],
  "default-path origin": [
    "default-path origin /o\nerrorfile 400 a\ndefault-path origin p\nerrorfile 400 a",
    ["other errorfile /o/a a", "other errorfile /srv/p/a a"],
  ],
  "a relative base starts at the default path": [
    "default-path config\ncrt-base certs\nbind :1 ssl crt a crt /b",
    ["certificate crt /etc/h/certs/a certs/a", "certificate crt /b"],
  ],
  "certificates of the unnamed store": [
    `crt-base /crt
crt-store
load crt a
load crt b alias x
load alias y crt c
bind :1 ssl crt @/x crt a`,
    [
      "certificate load /crt/a",
      "certificate load /crt/b @/x",
      "certificate load /crt/c @/y",
    ],
  ],
  "certificates of a named store": [
    "crt-base /crt\ncrt-store web # x\nload crt a/b\nload crt /c/d\nload crt e alias x/y\nload crt @f",
    [
      "certificate load /crt/a/b @web/a/b",
      "certificate load /c/d @web/c/d",
      "certificate load /crt/e @web/x/y",
      "certificate load /crt/@f @web/@f",
    ],
  ],
  "what a store loads beside a certificate": [
    "crt-store\ncrt-base /c\nkey-base /k\nload crt a key b ocsp c issuer d sctl e ocsp-update on",
    [
      "certificate load /c/a",
      "other key /k/b",
      "other ocsp /c/c",
      "other issuer /c/d",
      "other sctl /c/e",
    ],
  ],
  "the bases of a store are its own": [
    `crt-base /crt
crt-store a
.if feature(X)
crt-base /own
.endif
load crt x
crt-store b
load crt x
frontend f
bind :1 ssl crt x`,
    [
      "certificate load /own/x @a/x",
      "certificate load /crt/x @b/x",
      "certificate crt /crt/x",
    ],
  ],
};

for (const [behaviour, [text, files]] of Object.entries(BASED)) {
  Deno.test(`file references: ${behaviour}`, () =>
    assert.deepEqual(find(text).files.map(shown), files));
}

Deno.test("file references: each file with its first line", () => {
  const text = "# x\n\nerrorfile 400 /a\nerrorfile 500 /a\nacl x src -f /a\nlua-load /b";
  assert.deepEqual(
    find(text).files.map(({ path, role, file, line }) => [path, role, file, line]),
    [
      ["/a", "other", "/etc/h/h.cfg", 3],
      ["/a", "acl", "/etc/h/h.cfg", 5],
      ["/b", "other", "/etc/h/h.cfg", 6],
    ],
  );
});

Deno.test("file references: the key belongs to the certificate of its line", () => {
  const text = `key-base /global
crt-store
key-base /key
load crt /a key b
load crt /c key /d
load crt /e
crt-store x
load key f crt /g`;
  const certificates = find(text).files.filter(({ role }) => role === "certificate");
  assert.deepEqual(certificates.map(({ path, keyPath }) => [path, keyPath]), [
    ["/a", "/key/b"],
    ["/c", "/d"],
    ["/e", null],
    ["/g", "/global/f"],
  ]);
});

Deno.test("file references: variables and settings carry over to the next file", () => {
  const files = [
    { path: "/one/a.cfg", text: "default-path config\nsetenv X y\ncrt-base c\nlua-load a" },
    { path: "/two/b.cfg", text: 'lua-load "$X"\nbind :1 ssl crt d\ncrt-store s' },
    { path: "/three/c.cfg", text: "load crt e\nca-base /ca" },
  ];
  const { files: found, bases } = atOnce(findFileReferences(files, OPTIONS));
  assert.deepEqual(found.map(shown), [
    "other lua-load /one/a a",
    "other lua-load /two/y y",
    "certificate crt /two/c/d c/d",
  ]);
  assert.deepEqual([...bases], [
    ["/one/a.cfg", { crt: "c", key: null, ca: null, directory: "/one" }],
    ["/two/b.cfg", { crt: "c", key: null, ca: null, directory: "/two" }],
    ["/three/c.cfg", { crt: "c", key: null, ca: "/ca", directory: "/three" }],
  ]);
});

const ALL = [".key", ".ocsp", ".sctl", ".issuer", ".rsa", ".dsa", ".ecdsa"];
const SIDE_FILES: Readonly<Record<string, readonly [readonly string[], boolean]>> = {
  "": [ALL, false],
  "ssl-load-extra-files all": [ALL, false],
  "ssl-load-extra-files none\nssl-load-extra-del-ext": [[], true],
  "ssl-load-extra-files key ocsp": [[".key", ".ocsp"], false],
  "ssl-load-extra-files bundle sctl issuer": [
    [".rsa", ".dsa", ".ecdsa", ".sctl", ".issuer"],
    false,
  ],
};

for (const [text, [extensions, replacesCrt]] of Object.entries(SIDE_FILES)) {
  Deno.test(`file references: beside a certificate, with "${text}"`, () => {
    const { sideFiles } = find(text);
    assert.deepEqual([[...sideFiles.extensions].sort(), sideFiles.replacesCrt], [
      [...extensions].sort(),
      replacesCrt,
    ]);
  });
}

const BASES: Bases = { crt: "/crt", key: "/key", ca: "/ca", directory: "/d" };
const listed = (text: string, bases = BASES) =>
  atOnce(findListedCertificates({ path: "/list", text }, bases));

const LISTED: Readonly<Record<string, readonly string[]>> = {
  "a.pem": ["certificate crt /crt/a.pem"],
  "  /a.pem *.example !b.example\r": ["certificate crt /a.pem"],
  "# a.pem": [],
  "  #a.pem": [],
  "\n\r\n \n": [],
  "@web/a x": [],
  "dir/ #x": ["certificate crt /crt/dir"],
  [`"a" x`]: [`certificate crt /crt/"a"`],
  "a\\ b": ["certificate crt /crt/a\\"],
  "/a[ca-file /c]": ["certificate crt /a", "ca ca-file /c"],
  "a [ ca-file c crl-file r ca-verify-file /v alpn h2 ] ca-file d": [
    "certificate crt /crt/a",
    "ca ca-file /ca/c",
    "crl crl-file /ca/r",
    "ca ca-verify-file /v",
  ],
  "a x [ca-file @system-ca]": ["certificate crt /crt/a"],
  "a [key b ocsp c issuer /d sctl e] x": [
    "certificate crt /crt/a",
    "other key /key/b",
    "other ocsp /crt/c",
    "other issuer /d",
    "other sctl /crt/e",
  ],
};

for (const [line, files] of Object.entries(LISTED)) {
  Deno.test(`file references: in a certificate list, ${JSON.stringify(line)}`, () => {
    assert.deepEqual(listed(line).map(shown), files);
  });
}

Deno.test("file references: a certificate list gives the same fields as a configuration", () => {
  const bases = { crt: "c/", key: null, ca: null, directory: "/d" };
  const rest = {
    file: "/list",
    span: null,
    prefix: "",
    alias: null,
    isObtained: false,
    loads: true,
  };
  const certificate = { role: "certificate", keyword: "crt", word: 0, ...rest };
  assert.deepEqual(listed("#\na [key b]\nc\na x", bases), [
    { ...certificate, path: "/d/c/a", name: "c//a", keyPath: "/d/b", line: 2 },
    {
      path: "/d/b",
      name: "b",
      role: "other",
      keyword: "key",
      keyPath: null,
      line: 2,
      word: 2,
      ...rest,
    },
    { ...certificate, path: "/d/c/c", name: "c//c", keyPath: null, line: 3 },
  ]);
});

const isObtained = (reference: FileReference) => reference.isObtained;

/** The certificates that HAProxy obtains itself, by the line that says so. */
const OBTAINED: Readonly<Record<string, readonly string[]>> = {
  "crt-store\nload crt a acme LE domains b\nload crt c": ["/srv/a"],
  "crt-store web\nload acme LE crt a alias b key c": ["/srv/a"],
  "ssl-f-use crt /a acme LE domains b": ["/a"],
  "crt-store\nload crt l/../a key /k/../b acme LE domains c": ["/srv/l/../a"],
  "crt-store\ncrt-base ../c\nload crt ./a acme LE domains b": ["/srv/../c/./a"],
  "bind :1 ssl crt /a": [],
  "acme LE\naccount-key /a": [],
};

for (const [text, paths] of Object.entries(OBTAINED)) {
  Deno.test(`file references: what HAProxy obtains itself in ${JSON.stringify(text)}`, () => {
    assert.deepEqual(find(text).files.filter(isObtained).map(({ path }) => path), paths);
  });
}

Deno.test("file references: the key of what HAProxy obtains is where the kernel finds it", () => {
  const { files } = find("crt-store\nload crt a key /k/../b acme LE domains c");
  const [certificate, key] = files;
  assert.deepEqual([certificate!.keyPath, key!.path], ["/k/../b", "/k/../b"]);
});

Deno.test("file references: what HAProxy obtains itself in a certificate list", () => {
  const files = listed("a\nb [acme LE domains c]\nacme");
  assert.deepEqual(files.filter(isObtained).map(({ name }) => name), ["/crt/b"]);
});

/** `word path`, with the part of the word, its prefix and its alias if there are any. */
const EVERY: Readonly<Record<string, readonly string[]>> = {
  "bind :1 ssl crt /a crt /a": ["4 /a", "6 /a"],
  "errorfile 408 /dev/null": ["2 /dev/null"],
  "acl x src -f opt@a -f /b": ["4 /srv/a opt@", "6 /b"],
  "http-request set-header x %[src,map(/a)]%[src,map(file@b)]": [
    "3 /a 10+2",
    "3 /srv/b 24+6 file@",
  ],
  "http-request set-map(/a) x y": ["1 /a 8+2 loads nothing"],
  "http-response add-acl(a) x": ["1 /srv/a 8+1 loads nothing"],
  "http-request set-map() x y": [],
  "crt-store web\nload crt a key b": ["2 /srv/a alias a", "4 /srv/b"],
  "crt-store web\nload key b crt /c alias d": ["4 /c", "2 /srv/b"],
};

for (const [text, expected] of Object.entries(EVERY)) {
  Deno.test(`file references: each word, ${JSON.stringify(text)}`, () => {
    const found: string[] = [];
    const onReference = ({ word, path, span, prefix, alias, loads }: FileReference) => {
      const part = span === null ? [] : [`${span.offset}+${span.length}`];
      const notes = [
        prefix,
        alias === null ? "" : `alias ${alias}`,
        loads ? "" : "loads nothing",
      ];
      found.push([word, path, ...part, ...notes.filter((note) => note !== "")].join(" "));
    };
    const files = [{ path: "/etc/h/h.cfg", text }];
    atOnce(findFileReferences(files, { ...OPTIONS, onReference }));
    assert.deepEqual(found, expected);
  });
}
