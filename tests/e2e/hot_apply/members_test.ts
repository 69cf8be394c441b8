/** Certificates that come into a directory and go from it, without a reload where the order of names allows it. */
import assert from "node:assert/strict";
import type { IssueOptions, Pair } from "../../support/certificates.ts";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { Secured, TOGETHER, withoutReload } from "../../support/wrapper/secured.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** A directory of two certificates, of which the first by name is the default one. */
class Members extends Secured {
  readonly first = this.add("b.pem", { name: "default.test" });
  readonly second = this.add("m.pem", { name: "m.test" });

  add(name: string, options: IssueOptions): Pair {
    const pair = this.authority.issue(options);
    Deno.mkdirSync(this.at("certs"), { recursive: true });
    this.write(`certs/${name}`, pair.pem);
    return pair;
  }

  serveMembers(options: Parameters<Secured["serveSecure"]>[1] = {}): Promise<Wrapper> {
    return this.serveSecure(this.securePage({ bind: `crt ${this.at("certs")}` }), options);
  }

  async servesFor(servername: string, pair: Pair, wrapper: Wrapper): Promise<void> {
    await this.servesCertificate(pair, wrapper, { servername });
  }
}

programTest(
  "a certificate comes and goes without a reload, and a reload gives the same",
  async () => {
    await using workspace = new Members();
    const wrapper = await workspace.serveMembers();
    await withoutReload(wrapper, async () => {
      const added = workspace.add("c.pem", { name: "c.test" });
      await wrapper.says(
        /certificate ".*c\.pem" added in generation 1 without a reload in \d+ ms \(expires /,
      );
      await workspace.servesFor("c.test", added, wrapper);
      await workspace.servesFor("m.test", workspace.second, wrapper);
      const renewed = workspace.authority.issue({ name: "c.test" });
      await workspace.replace(renewed.pem, workspace.at("certs/c.pem"));
      await wrapper.says(/c\.pem" updated in generation 1/);
      await workspace.servesFor("c.test", renewed, wrapper);
      await Deno.remove(workspace.at("certs/m.pem"));
      await wrapper.says(/m\.pem" removed in generation 1 without a reload/);
      await workspace.servesFor("m.test", workspace.first, wrapper);
      assert.doesNotMatch(await workspace.askPrivately("show ssl cert"), /m\.pem/);
    });
    wrapper.signal("SIGHUP");
    await wrapper.says(/generation 2 serves/);
    await workspace.haveStopped(1, wrapper);
    await workspace.servesFor("m.test", workspace.first, wrapper);
    assert.match(await workspace.askPrivately("show ssl cert", 2), /c\.pem/);
    await wrapper.stopsAt(2);
  },
);

programTest("a certificate and its key come in two files", async () => {
  await using workspace = new Members();
  const wrapper = await workspace.serveMembers();
  const { certificate, key, fingerprint } = workspace.authority.issue({ name: "c.test" });
  await withoutReload(wrapper, async () => {
    workspace.write("certs/c.crt", certificate);
    await wrapper.says(
      /reload delayed .*"has no private key|reload delayed .*has no private key/,
    );
    workspace.write("certs/c.crt.key", key);
    await wrapper.says(/c\.crt" added in generation 1/);
    await workspace.servesCertificate({ fingerprint }, wrapper, { servername: "c.test" });
    await Deno.remove(workspace.at("certs/c.crt"));
    await Deno.remove(workspace.at("certs/c.crt.key"));
    await workspace.servesFor("c.test", workspace.first, wrapper);
  });
});

const RELOADS: readonly (readonly [string, (workspace: Members) => unknown, RegExp])[] = [
  [
    "one that would be the default",
    (one) => one.add("a.pem", { name: "a.test" }),
    /reloaded after/,
  ],
  [
    "one for a name that another has",
    (one) => one.add("c.pem", { name: "m.test" }),
    /"m\.test" as well/,
  ],
  ["one that has expired", (one) => one.add("c.pem", EXPIRED), /it expired on/],
  ["one with an OCSP response beside it", (one) => {
    one.write("certs/c.pem.ocsp", "");
    one.add("c.pem", { name: "c.test" });
  }, /reloaded after|rejected/],
  [
    "the default one, when it goes",
    (one) => Deno.remove(one.at("certs/b.pem")),
    /default certificate/,
  ],
  ["all, when they go", async (one) => {
    await Deno.remove(one.at("certs/b.pem"));
    await Deno.remove(one.at("certs/m.pem"));
  }, /removed|rejected/],
];
const EXPIRED = {
  name: "c.test",
  from: new Date(Date.now() - 9e8),
  until: new Date(Date.now() - 1e8),
};

for (const [what, change, said] of RELOADS) {
  commonTest(`${what} takes a reload`, async () => {
    await using workspace = new Members();
    const wrapper = await workspace.serveMembers(TOGETHER);
    await change(workspace);
    await wrapper.says(said);
    await wrapper.says(/generation 2 (?:serves|rejected)/);
    assert.doesNotMatch(wrapper.output, / (?:added|removed) in generation/);
  });
}

commonTest("where a certificate list may name others, one that comes takes a reload", async () => {
  await using workspace = new Members();
  const list = workspace.write("list", `${workspace.at("certs/m.pem")} c.test\n`);
  const bind = `crt ${workspace.at("certs")} crt-list ${list}`;
  const wrapper = await workspace.serveSecure(workspace.securePage({ bind }));
  workspace.add("c.pem", { name: "c.test" });
  await wrapper.says(/generation 2 serves/);
  assert.doesNotMatch(wrapper.output, / added in generation/);
});

commonTest("many come at once, and all are served", async () => {
  await using workspace = new Members();
  const wrapper = await workspace.serveMembers(TOGETHER);
  const added = Array.from(
    { length: 20 },
    (_, at) => [`n${at}.test`, workspace.add(`n${at}.pem`, { name: `n${at}.test` })] as const,
  );
  for (const [name, pair] of added) await workspace.servesFor(name, pair, wrapper);
  await wrapper.stopsAt(1);
});
