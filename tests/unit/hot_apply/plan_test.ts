import assert from "node:assert/strict";
import {
  certificatesToApply,
  targetsAfter,
  targetsToApply,
  withMembers,
} from "../../../lib/hot_apply/plan.ts";
import {
  type CertificateListTarget,
  NO_TARGETS,
  serversIn,
  type ServersTarget,
  type Target,
  type TargetOf,
  type Targets,
  withServers,
} from "../../../lib/loaded/targets.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";

const certificate = (path: string, keyPath = `${path}.key`): TargetOf<"certificate"> => ({
  tag: "certificate",
  path,
  name: path,
  keyPath,
  isMember: false,
});
const map = (path: string, id = 0): Target => ({ tag: "map", path, id });

const targetsOf = (byPath: Readonly<Record<string, readonly Target[]>>): Targets => (
  { byPath: new Map(Object.entries(byPath)), replacesCrt: false }
);

function holding(contents: Readonly<Record<string, string>>): Fingerprint {
  const marks = Object.entries(contents).map(([path, content]) =>
    [path, { content, modifiedMs: 0, stamp: "" }] as const
  );
  return { digest: JSON.stringify(contents), files: new Map(marks) };
}

/** What to apply if exactly these paths have changed. */
function applicable(targets: Targets, ...paths: readonly string[]): readonly Target[] | null {
  const all = (content: string) =>
    holding(Object.fromEntries(paths.map((path) => [path, content])));
  return targetsToApply(targets, all("old"), all("new"));
}

Deno.test("exactly the targets of the changed files are applied", () => {
  const [a, b] = [map("/a", 1), map("/a", 2)];
  const targets = targetsOf({ "/a": [a, b], "/c": [map("/c", 3)] });
  const [before, after] = [holding({ "/a": "1", "/c": "1" }), holding({ "/a": "2", "/c": "1" })];
  assert.deepEqual(targetsToApply(targets, before, after), [a, b]);
});

Deno.test("a target of two changed files is applied once", () => {
  const one = certificate("/a", "/a.pem");
  assert.deepEqual(applicable(targetsOf({ "/a": [one], "/a.pem": [one] }), "/a", "/a.pem"), [one]);
});

Deno.test("one changed file without a target requires a reload", () => {
  const targets = targetsOf({ "/a": [map("/a")] });
  assert.equal(applicable(targets, "/a", "/haproxy.cfg"), null);
  assert.equal(applicable(NO_TARGETS, "/a"), null);
});

Deno.test("files that came and went count as changed", () => {
  const targets = targetsOf({ "/a": [map("/a")] });
  assert.deepEqual(targetsToApply(targets, holding({}), holding({ "/a": "" })), [map("/a")]);
  assert.deepEqual(targetsToApply(targets, holding({ "/a": "" }), holding({})), [map("/a")]);
  assert.equal(targetsToApply(targets, holding({}), holding({ "/b": "" })), null);
});

Deno.test("if either fingerprint is unknown, nothing is applied", () => {
  const targets = targetsOf({ "/a": [map("/a")] });
  assert.equal(targetsToApply(targets, null, holding({ "/a": "" })), null);
  assert.equal(targetsToApply(targets, holding({ "/a": "" }), null), null);
});

Deno.test("a hundred files are applied; more require a reload", () => {
  const paths = Array.from({ length: 101 }, (_, index) => `/${index}`);
  const targets = targetsOf(Object.fromEntries(paths.map((path) => [path, [map(path)]])));
  assert.equal(applicable(targets, ...paths.slice(1))?.length, 100);
  assert.equal(applicable(targets, ...paths), null);
});

Deno.test("a new key beside a certificate applies the certificate", () => {
  for (const keyPath of ["/a.crt.key", "/a.key"]) {
    const one = certificate("/a.crt", keyPath);
    assert.deepEqual(applicable(targetsOf({ "/a.crt": [one] }), keyPath), [one]);
  }
});

Deno.test("a key that belongs to no certificate, or any other side file, is not applied", () => {
  const cases: readonly (readonly [Target, string])[] = [
    [certificate("/a.crt"), "/a.key"],
    [certificate("/a.crt", "/a.key"), "/a.crt.key"],
    [certificate("/a", "/k"), "/a.key"],
    [map("/a.map"), "/a.map.key"],
    [certificate("/a"), "/a.sctl"],
    [certificate("/a.crt"), "/a.ocsp"],
  ];
  for (const [target, changed] of cases) {
    assert.equal(applicable(targetsOf({ [target.path]: [target] }), changed), null);
  }
});

Deno.test("certificates are found whatever else has changed", () => {
  const [one, two] = [certificate("/a"), certificate("/b")];
  const authority: Target = { tag: "ca_file", path: "/b", name: "/b" };
  const targets = targetsOf({ "/a": [one], "/b": [two, authority], "/c": [map("/c")] });
  const all = (text: string) => holding({ "/a": text, "/b": text, "/c": text, "/h.cfg": text });
  assert.deepEqual(certificatesToApply(targets, all("1"), all("2")), [one]);
  assert.deepEqual(certificatesToApply(targets, all("1"), all("1")), []);
  assert.deepEqual(certificatesToApply(targets, null, all("1")), []);
});

Deno.test("a changed key finds its certificate", () => {
  const one = certificate("/a");
  const targets = targetsOf({ "/a": [one] });
  const [before, after] = [holding({ "/a": "1" }), holding({ "/a": "2", "/a.key": "2" })];
  assert.deepEqual(certificatesToApply(targets, before, after), [one]);
});

Deno.test("certificates that appeared or disappeared are found", () => {
  const [gone, here] = [certificate("/gone"), certificate("/here")];
  const targets = targetsOf({ "/gone": [gone], "/here": [here] });
  const found = certificatesToApply(targets, holding({ "/gone": "1" }), holding({ "/here": "1" }));
  assert.deepEqual(found, [gone, here]);
});

Deno.test("any number of certificates is found, each once", () => {
  const paths = Array.from({ length: 101 }, (_, index) => `/${index}`);
  const byPath = Object.fromEntries(paths.map((path) => [path, [certificate(path, "/k")]]));
  const targets = targetsOf({ ...byPath, "/k": Object.values(byPath).flat() });
  const all = (text: string) => holding(Object.fromEntries(["/k", ...paths].map((p) => [p, text])));
  const found = certificatesToApply(targets, all("1"), all("2"));
  assert.equal(found.length, 101);
  assert.equal(new Set(found).size, 101);
});

Deno.test("a key does not find a certificate whose file has other targets", () => {
  const [one, authority] = [certificate("/a"), { tag: "ca_file", path: "/a", name: "/a" } as const];
  const targets = targetsOf({ "/a": [one, authority] });
  const all = (text: string) => holding({ "/a": text, "/a.key": text, "/h.cfg": text });
  assert.deepEqual(certificatesToApply(targets, all("1"), all("2")), []);
});

const authority = (path: string): Target => ({ tag: "ca_file", path, name: path });
const revocations = (path: string): Target => ({ tag: "crl_file", path, name: path });

Deno.test("certificates and CA files or CRLs are never applied together", () => {
  const targets = targetsOf({
    "/a": [certificate("/a")],
    "/b": [authority("/b")],
    "/c": [map("/c")],
  });
  assert.equal(applicable(targets, "/a", "/b"), null);
  assert.equal(applicable(targets, "/a", "/c")?.length, 2);
  assert.equal(applicable(targets, "/b", "/c")?.length, 2);
});

Deno.test("after one kind was applied the other is not, but maps are", () => {
  const [one, two, three] = [certificate("/a"), authority("/b"), revocations("/d")];
  const targets = targetsOf({ "/a": [one], "/b": [two], "/c": [map("/c")], "/d": [three] });
  const left = (...done: Target[]) => [...targetsAfter(targets, done).byPath.keys()].join(" ");
  assert.equal(left(one), "/a /c");
  assert.equal(left(two), "/b /c /d");
  assert.equal(left(three), "/b /c /d");
  assert.equal(targetsAfter(targets, [map("/c")]), targets);
});

const servers = (paths: readonly string[]): ServersTarget => ({
  tag: "server",
  path: paths[0]!,
  paths,
  texts: [],
  environment: {},
  hot: new Map(),
  removed: [],
  doubtful: [],
});

Deno.test("servers are applied once, whichever files changed, where nothing but them did", () => {
  const target = servers(["/a", "/b"]);
  const targets = withServers(targetsOf({ "/map": [map("/map")] }), target);
  const before = holding({ "/a": "1", "/b": "1", "/map": "1" });
  const after = holding({ "/a": "2", "/b": "2", "/map": "1" });
  assert.deepEqual(targetsToApply(targets, before, after, true), [target]);
  assert.equal(targetsToApply(targets, before, after, false), null);
  assert.equal(targetsToApply(targets, before, after), null);
  const all = targetsToApply(
    targets,
    before,
    holding({ "/a": "2", "/b": "1", "/map": "2" }),
    true,
  );
  assert.deepEqual(all, [target, map("/map")]);
});

Deno.test("the next change of servers starts from what was applied, or takes a reload if nobody knows", () => {
  const [first, next] = [servers(["/a"]), { ...servers(["/a"]), texts: ["next"] }];
  const targets = withServers(targetsOf({ "/map": [map("/map")] }), first);
  assert.equal(serversIn(targetsAfter(targets, [next])), next);
  assert.equal(targetsAfter(targets, [map("/map")]), targets);
  assert.deepEqual([...targetsAfter(targets, [], [first]).byPath.keys()], ["/map"]);
});

Deno.test("a configuration that is loaded as something else besides has no servers to apply", () => {
  const targets = targetsOf({ "/a": [map("/a")] });
  assert.equal(serversIn(withServers(targets, servers(["/a"]))), null);
});

Deno.test("what is given with a certificate is its own, unless it has gone", () => {
  const one = certificate("/a");
  const targets = targetsOf({ "/a": [one] });
  for (const path of ["/a.ocsp", "/a.issuer"]) {
    assert.deepEqual(applicable(targets, path), [one]);
    const [before, after] = [holding({ "/a": "1", [path]: "1" }), holding({ "/a": "1" })];
    assert.equal(targetsToApply(targets, before, after), null);
  }
});

const member = (path: string): TargetOf<"certificate"> => ({
  ...certificate(path),
  name: `certs${path.slice("/certs".length)}`,
  isMember: true,
  list: "certs",
});

/** What to apply if these files are new in a directory that has "b.pem". */
function newcomers(...paths: readonly string[]): readonly Target[] | null {
  const targets = {
    ...targetsOf({
      "/certs/b.pem": [member("/certs/b.pem")],
      "/site.pem": [certificate("/site.pem")],
    }),
    lists: new Map([["/certs", "certs"]]),
  };
  const before = { "/certs/b.pem": "1", "/site.pem": "1" };
  const after = { ...before, ...Object.fromEntries(paths.map((path) => [path, "2"])) };
  return targetsToApply(targets, holding(before), holding(after));
}

Deno.test("a certificate that is new in a loaded directory is a target, with its key", () => {
  const added = { ...member("/certs/c.pem"), besides: ["/certs/b.pem", "/site.pem"] };
  assert.deepEqual(newcomers("/certs/c.pem"), [added]);
  assert.deepEqual(newcomers("/certs/c.pem", "/certs/c.pem.key"), [added]);
  assert.deepEqual(newcomers("/certs/d.pem", "/certs/c.pem")?.map(({ path }) => path), [
    ...["/certs/c.pem", "/certs/d.pem"],
  ]);
});

for (
  const [what, ...paths] of [
    ["that would be the first", "/certs/a.pem"],
    ["in another directory", "/other/c.pem"],
    ["that is one of a bundle", "/certs/c.pem.rsa"],
    ["with SCTs", "/certs/c.pem", "/certs/c.pem.sctl"],
    ["whose key alone is there", "/certs/c.pem.key"],
    ["beside another new file", "/certs/c.pem", "/haproxy.cfg"],
  ] as const
) {
  Deno.test(`a certificate ${what} takes a reload`, () => assert.equal(newcomers(...paths), null));
}

Deno.test("what was added is a target from then on, and what was removed no more", () => {
  const targets = targetsOf({ "/certs/b.pem": [member("/certs/b.pem")] });
  const [added, removed] = [member("/certs/c.pem"), member("/certs/b.pem")];
  assert.deepEqual(
    withMembers(targets, [{ target: added, how: "added" }, { target: removed, how: "removed" }])
      .byPath,
    new Map([["/certs/c.pem", [added]]]),
  );
  assert.equal(withMembers(targets, [{ target: added }]), targets);
});

const LIST: CertificateListTarget = {
  tag: "certificate_list",
  path: "/list",
  name: "/list",
  text: "/c/a.pem\n",
  bases: { crt: null, key: null, ca: null, directory: "/" },
  replacesCrt: false,
  companions: [],
  unused: ["/c/old.pem"],
};
const [A, B] = [certificate("/c/a.pem"), certificate("/c/b.pem")];
const LISTED = targetsOf({
  "/list": [LIST],
  "/c/old.pem": [LIST],
  "/c/a.pem": [A],
  "/c/b.pem": [B],
  "/m": [map("/m")],
});

/** What a change from some files to others applies, each a path and its content. */
const listChange = (before: readonly string[], after: readonly string[]) => {
  const [from, to] = [before, after].map((paths) =>
    holding(Object.fromEntries(paths.map((path) => path.split(" ") as [string, string])))
  );
  return targetsToApply(LISTED, from!, to!);
};
const KNOWN = new Map([[A.name, A], [B.name, B]]);

Deno.test("files that come and go with a certificate list are the list's affair", () => {
  const before = ["/c/a.pem 1", "/list 1", "/c/b.pem 1", "/c/b.pem.key 1"];
  assert.deepEqual(listChange(before, ["/c/a.pem 2", "/list 2", "/c/c.pem 1"]), [
    A,
    { ...LIST, claimed: ["/c/b.pem", "/c/b.pem.key", "/c/c.pem"], known: KNOWN },
  ]);
});

Deno.test("a file that was in a list may change, and nothing is claimed without a list", () => {
  assert.deepEqual(listChange(["/list 1", "/c/old.pem 1"], ["/list 1"]), [
    { ...LIST, claimed: [], known: KNOWN },
  ]);
  assert.equal(listChange(["/list 1"], ["/list 1", "/c/c.pem 1"]), null);
  assert.equal(listChange(["/list 1", "/x 1"], ["/list 2", "/x 2"]), null);
});

Deno.test("two lists at once require a reload, and so does a list with a CA file", () => {
  const other = { ...LIST, path: "/other" };
  const ca: Target = { tag: "ca_file", path: "/ca", name: "/ca" };
  const targets = targetsOf({ "/list": [LIST], "/other": [other], "/ca": [ca] });
  assert.equal(applicable(targets, "/list")?.length, 1);
  assert.equal(applicable(targets, "/list", "/other"), null);
  assert.equal(applicable(targets, "/list", "/ca"), null);
  assert.deepEqual([...targetsAfter(targets, [LIST]).byPath.keys()], ["/list", "/other"]);
  assert.deepEqual([...targetsAfter(targets, [ca]).byPath.keys()], ["/ca"]);
});

Deno.test("what came into a list is a target from then on; what has left it, is the list's affair", () => {
  const came = certificate("/c/c.pem");
  const after = { ...LIST, text: "x", unused: ["/c/old.pem", "/c/b.pem", "/c/b.pem.key"] };
  const { byPath } = withMembers(LISTED, [{ target: { ...after, came: [came], went: [B] } }]);
  assert.deepEqual(
    Object.fromEntries(byPath),
    {
      "/list": [after],
      "/c/old.pem": [after],
      "/c/b.pem": [after],
      "/c/b.pem.key": [after],
      "/c/a.pem": [A],
      "/c/c.pem": [came],
      "/m": [map("/m")],
    },
  );
});
