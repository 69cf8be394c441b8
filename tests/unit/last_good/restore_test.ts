/** A real HAProxy loads the recorded set with none of the originals left. */
import assert from "node:assert/strict";
import { dirname, join } from "@std/path";
import { checkArguments } from "../../../lib/haproxy/process/arguments.ts";
import type { HaproxyArguments } from "../../../lib/settings/haproxy_arguments.ts";
import { restore, type Restored } from "../../../lib/last_good/restore.ts";
import { Store } from "../../../lib/last_good/store.ts";
import { haproxyTaking, testNeeding } from "../../support/needs.ts";
import { Authority, dhParameters, ticketKeys } from "../../support/certificates.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { type CommandLine, record, restoreOptions } from "../../support/wrapper/recorded.ts";

class Site extends TempFolder {
  readonly recorded = this.at("recorded");
  readonly original = this.at("site");

  /** In the folder of the loaded files. */
  put(name: string, text: string | Uint8Array): string {
    Deno.mkdirSync(dirname(join(this.original, name)), { recursive: true });
    if (typeof text === "string") Deno.writeTextFileSync(join(this.original, name), text);
    else Deno.writeFileSync(join(this.original, name), text);
    return join(this.original, name);
  }

  line(words: readonly string[]): CommandLine {
    return { words, directory: this.original, environment: { CERTS: "certs" } };
  }

  async restore(line: CommandLine): Promise<Restored> {
    return await restore(new Store(this.recorded), restoreOptions(line));
  }

  /** Records it, removes everything, and makes HAProxy check the copies as it has checked the originals. */
  async checkCopies(line: CommandLine, variables = {}): Promise<void> {
    const options = { cwd: this.original, env: { ...line.environment, ...variables } };
    await check(restoreOptions(line).haproxy, options);
    await record(this.recorded, line);
    Deno.renameSync(this.original, this.at("away"));
    Deno.mkdirSync(this.original);
    const restored = await this.restore(line);
    assert.equal(restored.tag, "restored", JSON.stringify(restored));
    const { set } = restored as Extract<Restored, { tag: "restored" }>;
    await check(set.haproxy, options);
  }
}

async function check(
  haproxy: HaproxyArguments,
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  const args = checkArguments(haproxy, { first: "/dev/null", last: "/dev/null" });
  const { success, stderr } = await new Deno.Command("haproxy", { args, ...options }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

const DEFAULTS = `defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
`;

const SPOE = `[engine]
spoe-agent agent
    messages one
    option var-prefix x
    timeout hello 1s
    timeout idle 1s
    timeout processing 1s
    use-backend spoa
spoe-message one
    args ip=src
    event on-client-session
`;

/** Everything that HAProxy 2.6 loads, named in every possible way. */
function everything(site: Site): string {
  const authority = new Authority(site.at("ca"));
  const issue = () => authority.issue();
  site.put("certs/one.pem", issue().pem);
  site.put("certs/list/two.pem", issue().pem);
  site.put("certs/directory/three.pem", issue().pem);
  site.put("certs/directory/four.pem", issue().pem);
  const apart = issue();
  site.put("secret/tls.crt", apart.certificate);
  site.put("secret/tls.key", apart.key);
  const stapled = issue();
  site.put("certs/stapled.pem", stapled.pem);
  site.put("certs/stapled.pem.issuer", authority.certificate);
  site.put("certs/stapled.pem.ocsp", authority.ocspResponse(stapled));
  const [rsa, ecdsa] = [authority.issue({ kind: "rsa" }), authority.issue({ kind: "ec" })];
  site.put("certs/bundle.pem.rsa", rsa.pem);
  site.put("certs/bundle.pem.ecdsa", ecdsa.pem);
  site.put("ca/ca.pem", authority.certificate);
  site.put("ca/crl.pem", authority.crl());
  site.put("crt.list", "list/two.pem [ca-file ca.pem verify optional] two.test\none.pem !x.test\n");
  site.put("tickets", ticketKeys());
  site.put("dh.pem", dhParameters(2048));
  site.put("errors/503.http", "HTTP/1.0 503 X\r\n\r\nno\r\n");
  site.put("a b,c)/it's.http", "HTTP/1.0 400 X\r\n\r\nno\r\n");
  site.put("maps/hosts.map", "a.test b\n");
  site.put("maps/odd name,1.map", "10.0.0.1 1\n");
  site.put("acl.lst", "10.0.0.0/8\n");
  site.put("init.lua", "core.log(core.info, 'x')\n");
  site.put("case.lst", "content-length Content-Length\n");
  site.put("spoe.cfg", SPOE);
  const p = (name: string) => join(site.original, name);
  return `global
    ssl-load-extra-del-ext
    crt-base "${site.original}/$CERTS"
    ca-base ca
    ssl-dh-param-file dh.pem
    issuers-chain-path ${p("ca")}
    lua-load init.lua
    h1-case-adjust-file case.lst
    log 127.0.0.1:1 local0
${DEFAULTS}    errorfile 503 ${p("errors/503.http")}
    errorfile 400 "${p("a b,c)/it's.http")}"
    option http-ignore-probes # errorfile 408 /not/this
http-errors own
    errorfile 503 errors/503.http
frontend page
    bind 127.0.0.1:1 # a comment
    bind 127.0.0.1:2 ssl crt one.pem crt directory/ crt ${
    p("secret/tls.crt")
  } ca-file ca.pem crl-file crl.pem verify optional
    bind 127.0.0.1:3 ssl crt-list crt.list tls-ticket-keys tickets crt stapled.pem crt bundle.pem
    acl certs path_beg /certs ${p("certs")}
    acl listed src -f acl.lst -f ${p("acl.lst")}
    filter spoe engine engine config spoe.cfg
    http-request set-var(txn.x) "src,map_ip_int('${p("maps/odd name,1.map")}',1)"
    http-request set-header X-It "it's %[req.hdr(host),lower,map(maps/hosts.map,none)] # no comment"
    http-request set-map(maps/hosts.map) %[src] x if { src -f acl.lst }
    http-request deny deny_status 429 content-type text/html errorfile errors/503.http if { src 1.2.3.4 }
    http-request return status 200 content-type text/plain file ${p("maps/hosts.map")} if certs
    use_backend %[base,map_reg(${p("maps/hosts.map")},page)]
    errorfiles own
backend spoa
    mode tcp
    server one 127.0.0.1:4 ssl ca-file ca.pem crt one.pem verify required
`;
}

Deno.test("HAProxy loads everything from the copies, wherever the originals are", async () => {
  await using site = new Site();
  site.put("haproxy.cfg", everything(site));
  await site.checkCopies(site.line(["-f", "haproxy.cfg"]));
  const text = Deno.readTextFileSync(join(site.recorded, "set/tree", site.original, "haproxy.cfg"));
  assert.match(text, new RegExp(`acl certs path_beg /certs ${site.original}/certs\n`));
  for (
    const path of [
      join(site.recorded, "set/tree"),
      join(site.recorded, "set/tree", site.original, "certs"),
    ]
  ) {
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o700);
  }
  const key = join(site.recorded, "set/tree", site.original, "secret/tls.key");
  assert.equal(Deno.statSync(key).mode! & 0o777, 0o600);
});

Deno.test("directories, several files, those after --, -C and the env file work as before", async () => {
  await using site = new Site();
  Deno.mkdirSync(site.at("run"));
  site.put("errors/503.http", "HTTP/1.0 503 X\r\n\r\nno\r\n");
  site.put("conf.d/10.cfg", `${DEFAULTS}    errorfile 503 "\${ERRORS}/503.http"\n`);
  site.put("conf.d/20.cfg", "frontend f\n    bind 127.0.0.1:1\n");
  site.put("conf.d/30.map", "a b\n");
  site.put("first.cfg", "global\n    setenv MAP site/conf.d/30.map\n");
  site.put(
    "last.cfg",
    'frontend g\n    bind 127.0.0.1:2\n    http-request set-header x "%[path,map(../$MAP)]"\n',
  );
  site.put("env", "ERRORS=../site/errors\n");
  const line = site.line([
    ...["--env-file", "env", "-C", site.at("run"), "-f", "../site/first.cfg"],
    ...["-f", "../site/conf.d", "--", "../site/last.cfg"],
  ]);
  await site.checkCopies(line, { ERRORS: "../site/errors" });
});

testNeeding(
  [haproxyTaking("crt-store web")],
  "certificates of a store keep the names that their paths gave them",
  async () => {
    await using site = new Site();
    const authority = new Authority(site.at("ca"));
    site.put("store/sub/one.pem", authority.issue().pem);
    const absolute = site.put("two.pem", authority.issue().pem);
    site.put(
      "haproxy.cfg",
      `crt-store web
    crt-base ${join(site.original, "store")}
    load crt sub/one.pem
crt-store other
    load crt ${absolute}
${DEFAULTS}frontend f
    bind 127.0.0.1:1 ssl crt @web/sub/one.pem crt @other${absolute}
`,
    );
    await site.checkCopies(site.line(["-f", "haproxy.cfg"]));
  },
);

Deno.test("default-path config starts at the original's directory", async () => {
  await using site = new Site();
  site.put("deep/errors/503.http", "HTTP/1.0 503 X\r\n\r\nno\r\n");
  site.put(
    "deep/haproxy.cfg",
    `global\n    default-path config\n${DEFAULTS}    errorfile 503 errors/503.http
frontend f\n    bind 127.0.0.1:1\n`,
  );
  await site.checkCopies(site.line(["-f", "deep/haproxy.cfg"]));
});

Deno.test("bytes that are not UTF-8 are kept next to rewritten text", async () => {
  await using site = new Site();
  site.put("503", "HTTP/1.0 503 X\r\n\r\nno\r\n");
  const text = `${DEFAULTS}    errorfile 503 503\nfrontend f\n    bind 127.0.0.1:1
    http-request return status 200 content-type text/plain string \xe9\xff\n`;
  site.put("haproxy.cfg", Uint8Array.from(text, (one) => one.charCodeAt(0)));
  await site.checkCopies(site.line(["-f", "haproxy.cfg"]));
  const bytes = Deno.readFileSync(join(site.recorded, "set/tree", site.original, "haproxy.cfg"));
  assert.deepEqual([...bytes.slice(-3)], [0xe9, 0xff, 0x0a]);
});

Deno.test("each restore makes a fresh tree", async () => {
  await using site = new Site();
  site.put("haproxy.cfg", `${DEFAULTS}frontend f\n    bind 127.0.0.1:1\n`);
  const line = site.line(["-f", "haproxy.cfg"]);
  await record(site.recorded, line);
  const [tree] = [join(site.recorded, "set/tree")];
  Deno.mkdirSync(tree);
  Deno.writeTextFileSync(join(tree, "stale"), "");
  await site.restore(line);
  assert.deepEqual(site.names(tree).includes("stale"), false);
  await record(site.recorded, line);
  assert.deepEqual(site.names(join(site.recorded, "set")), ["manifest.json", "objects"]);
});

Deno.test("an unusable set is reported with the reason", async () => {
  await using site = new Site();
  site.put("haproxy.cfg", `${DEFAULTS}frontend f\n    bind 127.0.0.1:1\n`);
  const line = site.line(["-f", "haproxy.cfg"]);
  assert.deepEqual(await site.restore(line), { tag: "none" });
  await record(site.recorded, line);
  const reasonOf = async (other: CommandLine) => {
    const restored = await site.restore(other);
    assert.equal(restored.tag, "unusable");
    return (restored as Extract<Restored, { tag: "unusable" }>).reason;
  };
  const missing = `"${join(site.original, "other.cfg")}" is not among the recorded files`;
  assert.equal(await reasonOf(site.line(["-f", "other.cfg"])), missing);
  assert.match(
    await reasonOf(site.line(["-f", "haproxy.cfg", "--env-file", "env"])),
    /env" is not/,
  );
  Deno.writeTextFileSync(join(site.recorded, "set/tree"), "in the way");
  assert.equal((await site.restore(line)).tag, "restored");
  const [object] = site.names(join(site.recorded, "set/objects"));
  Deno.truncateSync(join(site.recorded, "set/objects", object!));
  assert.match(
    await reasonOf(line),
    /the copy of ".*haproxy.cfg" is missing or not what was recorded/,
  );
});
