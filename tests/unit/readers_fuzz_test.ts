/** Whatever HAProxy, the kernel, files and clients send, no reader throws. */
import { findMemoryLimit } from "../../lib/system/cgroup_memory.ts";
import { alertsOf, placesOf } from "../../lib/haproxy/failure/alerts.ts";
import { parseEnvFile } from "../../lib/config/env_file.ts";
import { parseInstance } from "../../lib/haproxy/runtime/instance.ts";
import { memoryNeed } from "../../lib/haproxy/drain/limits.ts";
import { parseRenewals } from "../../lib/haproxy/runtime/renewals.ts";
import { parseResync } from "../../lib/haproxy/runtime/stick_tables.ts";
import { slowdownBy } from "../../lib/haproxy/drain/slowdown.ts";
import { parseManifest } from "../../lib/last_good/manifest.ts";
import { rewriteCertificateList, rewriteConfigurations } from "../../lib/last_good/rewrite.ts";
import { parseListing } from "../../lib/haproxy/runtime/listing.ts";
import { locate } from "../../lib/loaded/locate.ts";
import { findFileReferences, findListedCertificates } from "../../lib/config/file_references.ts";
import { readNeeds } from "../../lib/config/needs.ts";
import { parseEntries } from "../../lib/haproxy/runtime/patterns.ts";
import { parseListeners } from "../../lib/haproxy/runtime/listeners.ts";
import { TARGET_TAGS } from "../../lib/hot_apply/kinds/nouns.ts";
import { planOf } from "../../lib/hot_apply/kinds/target_kinds.ts";
import type { Target } from "../../lib/loaded/targets.ts";
import { atOnce } from "../../lib/system/threads.ts";
import { linesAround } from "../../lib/status/excerpts.ts";
import { html } from "../../lib/status/page/html.ts";
import { parseRequest } from "../../lib/status/http/message.ts";
import { visible, visibleJson } from "../../lib/text/visible.ts";
import { createRandom, type Random } from "../support/random.ts";

const SEED = Number(Deno.env.get("SEED") ?? 20_261_128);
const TEXTS = 3_000;

/** Inputs to cut, mix and corrupt. */
const SAMPLES = [
  "Name: HAProxy\nVersion: 2.6.12-1\nPid: 71\nJobs: 8\nListeners: 3\n\n# socket lvl processes\n/run/1.sock admin all\n",
  "0x55d0: [01/Jan/2026:00:00:00] id=mine disabled=0 flags=0x33 resync_timeout=<PAST>\n  0x55d1: id=local(local,inactive) addr=127.0.0.1\n        table:0x55d2 id=visits update=0\n",
  "[ALERT]    (12) : config : parsing [/etc/haproxy.cfg:3] : unknown keyword 'x' in '[a]:1'\n   | help\n[ALERT]    (12) : config : Fatal errors found in configuration.\n",
  "# filename\n*/open.pem\n/certs/a.pem\n@store/alias\n/ca.pem - 3 certificate(s)\n@system-ca - 1 certificate(s)\n",
  "# id (file) description\n0 (/a.map) pattern loaded from file '/a.map' used by map at file 'h' line 1. curr_ver=0\n-1 () acl 'x' file 'h' line 2\n3 (virt@x) pattern loaded from file 'x'\n",
  'global\n  setenv A "${B}/c" # x\ndefaults\n  load-server-state-from-file global\nfrontend f\n  bind :1 ssl crt "${A}" ca-file a\\ b crt-list /l\n  http-request set-header x %[path,map(/m)]\n  .if defined(A)\n  use_backend %[src,map_ip(/i,x)]\n',
  "/certs/a.pem [alpn h2 ocsp-update on] *.site.test !x\n# comment\nb.pem\n",
  "key value\n# comment\r\n  other   value of it\r\n",
  "0x5581 key value\n0x5582 other\n",
  "export A='b'\nC=\"d\nPATH=/x\nLD_PRELOAD=y\n#\n\0=\n",
  "12:memory:/a/b\n0::/a\n1 2 3:4 / /sys/fs/cgroup\\040x rw - cgroup2 cgroup rw\n9223372036854771712\nmax\ninactive_file 12\n",
  "VmRSS:\t 12 kB\nRssAnon:\t  5000 kB\nRssShmem:\t 12 kB\nVmSwap: 1 kB\nVmPTE: 3 kB\n",
  `{"version": 1, "when": "2026-01-01T00:00:00.000Z", "generation": 1, "haproxyVersion": null, "directory": "/", "files": {"/a": "${
    "0".repeat(64)
  }"}}`,
  "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  "POST /reload HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
  "# certificate\tsection\tstate\n/a.pem\tLE\tRunning\t2026-11-27T12:11:41Z\t0d\t-\t-\n",
  "3.0.9-1+deb \u{1b}[31m \u202e",
];

const bases = { crt: null, key: null, ca: null, directory: "/" };
const copyOf = () => "/copy";

/** By what they read. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  instance: parseInstance,
  renewals: parseRenewals,
  resync: parseResync,
  alerts: (text) => placesOf(alertsOf(text)),
  listing: (text) => {
    const tags = ["certificate", "ca_file", "crl_file", "certificate_list", "ticket_keys"] as const;
    const listed = [...tags, "map" as const, "acl" as const].flatMap((tag) =>
      parseListing(tag, text)
    );
    const sideFiles = { extensions: [], replacesCrt: true };
    return locate(listed, { references: [], sideFiles, workingDirectory: "/" });
  },
  configuration: (text) => {
    const files = [{ path: "/a.cfg", text }, { path: "/b.cfg", text }];
    atOnce(readNeeds(files, {}));
    return atOnce(findFileReferences(files, { workingDirectory: "/", environment: { A: text } }));
  },
  certificateList: (text) => atOnce(findListedCertificates({ path: "/l", text }, bases)),
  rewrittenConfiguration: (text) =>
    rewriteConfigurations([{ path: "/a.cfg", text }], {
      workingDirectory: "/",
      environment: {},
      copyOf,
    }),
  rewrittenList: (text) => rewriteCertificateList({ path: "/l", text }, { bases, copyOf }),
  patterns: parseEntries,
  listeners: parseListeners,
  envFile: parseEnvFile,
  memoryLimit: (text) => findMemoryLimit(() => text)(),
  memoryNeed,
  manifest: parseManifest,
  version: slowdownBy,
  excerpt: (text) => linesAround(text, 2),
  page: (text) => html`<p>${text}</p>`,
  visible: (text) => [visible(text), JSON.parse(visibleJson(text))],
  request: (text) =>
    parseRequest(new TextEncoder().encode(text), { headBytes: 8_192, bodyBytes: 1_024 }),
};

/** A sample, cut, mixed with another, or with bytes of it changed; decoded as the program does it. */
function randomText(random: Random): string {
  const bytes = new TextEncoder().encode(random.pick(SAMPLES) + random.pick(["", ...SAMPLES]));
  for (let changed = random.below(8); changed > 0; changed--) {
    bytes[random.below(bytes.length)] = random.pick([0, 0x0a, 0x22, 0x5c, 0xff, random.below(256)]);
  }
  const [from, to] = [random.below(bytes.length), random.below(bytes.length)];
  const isCut = random.below(2) === 0;
  return new TextDecoder().decode(
    isCut ? bytes.subarray(Math.min(from, to)) : bytes.subarray(0, to),
  );
}

for (const [name, read] of Object.entries(READERS)) {
  Deno.test(`no text makes the reader of "${name}" throw (SEED=${SEED})`, () => {
    const random = createRandom(SEED);
    for (let count = 0; count < TEXTS; count++) {
      const text = randomText(random);
      try {
        read(text);
      } catch (error) {
        throw new Error(`${JSON.stringify(text)}: ${error}`, { cause: error });
      }
    }
  });
}

Deno.test(`no text makes the plan of a target throw (SEED=${SEED})`, async () => {
  const random = createRandom(SEED);
  const files = new Map();
  for (let count = 0; count < TEXTS; count++) {
    const text = randomText(random);
    const [key, old] = [random.pick([null, text]), randomText(random)];
    const content = { text, texts: [text], key, files, read: () => Promise.resolve(content) };
    const list = { text: old, bases: { crt: null }, companions: [], unused: [] };
    const servers = { paths: ["/a"], texts: [old], environment: {}, hot: new Map() };
    for (const tag of TARGET_TAGS) {
      const target = { tag, path: "/a", name: "/a", id: 0, ...list, ...servers };
      await planOf(target as Partial<Target> as Target, content);
    }
  }
});
