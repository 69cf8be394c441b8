/** Lines of a certificate list that come and go, without a reload where no order and no default is at stake. */
import assert from "node:assert/strict";
import { type IssueOptions, later, type Pair } from "../../support/certificates.ts";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { Secured, TOGETHER, withoutReload } from "../../support/wrapper/secured.ts";
import { TlsConnection } from "../../support/clients/tls_client.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** A list of two certificates, of which the first is the default one. */
class Listed extends Secured {
  readonly list = this.at("list");
  readonly first = this.add("default.pem", { name: "default.test" });
  readonly second = this.add("m.pem", { name: "m.test" });
  readonly lines = [this.lineOf("default.pem"), this.lineOf("m.pem")];

  add(name: string, options: IssueOptions): Pair {
    const pair = this.authority.issue(options);
    Deno.mkdirSync(this.at("certs"), { recursive: true });
    this.write(`certs/${name}`, pair.pem);
    return pair;
  }

  lineOf(name: string, rest = ""): string {
    return `${this.at(`certs/${name}`)}${rest}`;
  }

  textOf(...lines: readonly string[]): string {
    return [...lines, ""].join("\n");
  }

  async relist(...lines: readonly string[]): Promise<void> {
    await this.replace(this.textOf(...lines), this.list);
  }

  serveListed(
    { bind = `crt-list ${this.list}`, ...options }: Parameters<Secured["serveSecure"]>[1] & {
      readonly bind?: string;
    } = {},
  ): Promise<Wrapper> {
    this.write("list", this.textOf(...this.lines));
    return this.serveSecure(this.securePage({ bind }), options);
  }

  async servesFor(servername: string, pair: Pair, wrapper: Wrapper): Promise<void> {
    await this.servesCertificate(pair, wrapper, { servername });
  }
}

programTest("a line comes with its certificate and goes with it, as after a reload", async () => {
  await using workspace = new Listed();
  const wrapper = await workspace.serveListed();
  const { first, second, lines, list } = workspace;
  await withoutReload(wrapper, async () => {
    const added = workspace.add("c.pem", { name: "c.test" });
    const line = (...names: readonly string[]) =>
      workspace.lineOf("c.pem", ` [alpn http/1.1 ssl-min-ver TLSv1.2] ${names.join(" ")}`);
    await workspace.relist(...lines, line("c.test", "*.c.test"));
    await wrapper.says(/certificate list ".*list" updated in generation 1 without a reload in \d+/);
    await workspace.servesFor("x.c.test", added, wrapper);
    await workspace.servesFor("m.test", second, wrapper);
    const renewed = workspace.authority.issue({ name: "c.test" });
    await workspace.replace(renewed.pem, workspace.at("certs/c.pem"));
    await workspace.servesFor("c.test", renewed, wrapper);
    await workspace.relist(...lines, line("d.test"));
    await workspace.servesFor("d.test", renewed, wrapper);
    await workspace.servesFor("c.test", first, wrapper);
    await workspace.relist("# comment", "", lines[0]!, line("d.test"));
    await workspace.servesFor("m.test", first, wrapper);
    // Its file may go later.
    await Deno.remove(workspace.at("certs/m.pem"));
    await wrapper.says(/no line changed/);
    assert.doesNotMatch(await workspace.askPrivately("show ssl cert"), /m\.pem/);
  });
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 2 serves/);
  await workspace.haveStopped(1, wrapper);
  await workspace.servesFor("c.test", first, wrapper);
  assert.match(await workspace.askPrivately(`show ssl crt-list ${list}`, 2), /c\.pem .*d\.test/s);
  await wrapper.stopsAt(2);
});

programTest("open connections live on, and a name without a certificate is refused", async () => {
  await using workspace = new Listed();
  const bind = `crt-list ${workspace.list} strict-sni`;
  const wrapper = await workspace.serveListed({ bind });
  await workspace.servesFor("m.test", workspace.second, wrapper);
  const open = { servername: "m.test" };
  await using connection = await TlsConnection.open(workspace.tlsPort, open);
  await withoutReload(wrapper, async () => {
    await Deno.remove(workspace.at("certs/m.pem"));
    await workspace.relist(workspace.lines[0]!);
    await wrapper.says(/list" updated in generation 1 .*removed ".*m\.pem"/);
    await assert.rejects(TlsConnection.open(workspace.tlsPort, open), /UnrecognisedName/);
    assert.equal(await connection.request(), "one");
  });
});

const RELOADS: readonly (readonly [
  what: string,
  lines: (workspace: Listed, ...lines: readonly [string, string]) => readonly string[],
  said: RegExp,
])[] = [
  ["one in front", (one, ...lines) => [one.lineOf("c.pem"), ...lines], /its first line is another/],
  ["the default one, if it goes", (_, __, second) => [second], /its first line is another/],
  [
    "a name of another certificate",
    (one, ...lines) => [...lines, one.lineOf("c.pem", " *.x.test DEFAULT.test")],
    /c\.pem" is new, and ".*default\.pem" is for "default\.test" as well/,
  ],
  [
    "a certificate for the name of a filter",
    (one, first, second) => [first, `${second} c.test`, one.lineOf("c.pem")],
    /"c\.test" as well/,
  ],
  ["one for all names", (one, ...lines) => [...lines, one.lineOf("c.pem", " *")], /for all names/],
  [
    "options that sessions keep",
    (one, ...lines) => [...lines, one.lineOf("c.pem", " [verify none]")],
    /options of ".*c\.pem" matter to sessions/,
  ],
  [
    "other options",
    (_, first, second) => [first, `${second} [alpn http/1.1]`],
    /options of ".*m\.pem" changed/,
  ],
  [
    "a certificate that has expired",
    (one, ...lines) => [...lines, one.lineOf("expired.pem")],
    /expired\.pem": it expired on/,
  ],
  [
    "a comment behind a certificate",
    (one, ...lines) => [...lines, one.lineOf("c.pem", " # x")],
    /HAProxy may read its lines in another way/,
  ],
];

for (const [what, lines, said] of RELOADS) {
  commonTest(`in a list ${what} takes a reload`, async () => {
    await using workspace = new Listed();
    const wrapper = await workspace.serveListed(TOGETHER);
    workspace.add("c.pem", { name: "c.test" });
    workspace.add("expired.pem", { name: "e.test", from: later(-9e8), until: later(-1e8) });
    await workspace.relist(...lines(workspace, workspace.lines[0]!, workspace.lines[1]!));
    await wrapper.says(said);
    await wrapper.says(/generation 2 serves/);
  });
}

commonTest("a list that names a file which is not there is refused, until it is", async () => {
  await using workspace = new Listed();
  const wrapper = await workspace.serveListed();
  await workspace.relist(...workspace.lines, workspace.lineOf("c.pem"));
  await wrapper.says(/generation 2 rejected/);
  const added = workspace.add("c.pem", { name: "c.test" });
  await workspace.servesFor("c.test", added, wrapper);
  await wrapper.says(/list" updated in generation 1 without a reload/);
  await wrapper.stopsAt(2);
});

commonTest("a list beside another certificate may grow, but not by its names", async () => {
  await using workspace = new Listed();
  const bind = `crt ${workspace.at("certs/default.pem")} crt-list ${workspace.list}`;
  const { lines: [, second] } = workspace;
  workspace.lines.shift();
  const wrapper = await workspace.serveListed({ bind, ...TOGETHER });
  await withoutReload(wrapper, async () => {
    const added = workspace.add("c.pem", { name: "c.test" });
    await workspace.relist(second!, workspace.lineOf("c.pem"));
    await workspace.servesFor("c.test", added, wrapper);
    await workspace.servesFor("other.test", workspace.first, wrapper);
  });
  await workspace.relist(second!, workspace.lineOf("c.pem", " default.test"));
  await wrapper.says(/another certificate is for "default\.test" as well/);
  await wrapper.says(/generation 2 serves/);
});

commonTest("many lines come and go at once", async () => {
  await using workspace = new Listed();
  const wrapper = await workspace.serveListed(TOGETHER);
  const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
  const added = names.map((name) => workspace.add(`${name}.pem`, { name: `${name}.test` }));
  await withoutReload(wrapper, async () => {
    await workspace.relist(
      workspace.lines[0]!,
      ...names.map((name) => workspace.lineOf(`${name}.pem`)),
    );
    for (const [at, pair] of added.entries()) {
      await workspace.servesFor(`n${at}.test`, pair, wrapper);
    }
    await workspace.servesFor("m.test", workspace.first, wrapper);
    for (const name of names.slice(1)) await Deno.remove(workspace.at(`certs/${name}.pem`));
    await workspace.relist(workspace.lines[0]!, workspace.lineOf("n0.pem"));
    await wrapper.says(/removed .*, 16 more/);
    await workspace.servesFor("n7.test", workspace.first, wrapper);
  });
  await wrapper.stopsAt(1);
});
