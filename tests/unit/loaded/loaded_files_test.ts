import assert from "node:assert/strict";
import type { ListedFile } from "../../../lib/haproxy/runtime/listing.ts";
import { createLoadedFiles, type LoadedFiles } from "../../../lib/loaded/loaded_files.ts";
import type { Use } from "../../../lib/loaded/targets.ts";
import { sideFilesOf } from "../../../lib/config/side_files.ts";
import type { SourceFile } from "../../../lib/watch/scan/inventory.ts";
import { createScanner } from "../../../lib/watch/scan/scan.ts";
import type { Source } from "../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../support/temp_folder.ts";

/** A folder in which HAProxy's relative names start, with a configuration. */
class Scene extends TempFolder {
  readonly files: LoadedFiles;

  constructor({ watchLoaded = true, environment = {} } = {}) {
    super();
    const [envFile, workingDirectory] = [this.at("env"), this.path];
    this.files = createLoadedFiles({ watchLoaded, envFile, workingDirectory, environment });
  }

  /** What a configuration of these lines names. */
  async find(...lines: readonly string[]): Promise<readonly Source[]> {
    const path = this.write("h.cfg", lines.join("\n"));
    const source = { kind: "configuration", path, foundBy: "-f" } as const;
    const file: SourceFile = { path, realPath: path, info: Deno.statSync(path), source };
    return await this.files.findNamed([file]);
  }

  /** The paths of `sources` from the folder on, with the side files behind the `+`. */
  shown(sources: readonly Source[]): string[] {
    return sources.map(({ path, sideFiles }) =>
      [path, ...sideFiles === undefined ? [] : ["+", ...sideFilesOf(path, sideFiles)]]
        .map((one) => one.replace(`${this.path}/`, "")).join(" ")
    );
  }

  /** The uses of each path, from the folder on. */
  uses(...listed: readonly ListedFile[]): Record<string, Omit<Use, "path">[]> {
    const { uses: { byPath } } = this.files.locate(listed);
    return Object.fromEntries(
      Array.from(byPath, ([path, uses]) => [
        path.replace(`${this.path}/`, ""),
        uses.map(({ path: _, ...rest }) => rest),
      ]),
    );
  }
}

const certificate = (name: string): ListedFile => ({ tag: "certificate", name });
const used = (name: string, more: object = {}) => ({
  ...{ tag: "certificate", name, keyPath: null, isMember: false },
  ...more,
});

Deno.test("what a configuration names is found, with the keyword and the line", async () => {
  await using scene = new Scene();
  const [source, ...others] = await scene.find("frontend a", "  errorfile 503 /e");
  const foundBy = `errorfile in "${scene.at("h.cfg")}" line 2`;
  assert.deepEqual(source, { kind: "loaded", path: "/e", foundBy });
  assert.deepEqual(others, []);
});

Deno.test("if nothing is to be watched, nothing is named", async () => {
  await using scene = new Scene({ watchLoaded: false });
  assert.deepEqual(await scene.find("errorfile 503 /e"), []);
});

Deno.test("what the configuration needs is known for the last configuration, watched or not", async () => {
  for (const watchLoaded of [true, false]) {
    await using scene = new Scene({ watchLoaded, environment: { MODE: "global" } });
    assert.equal(scene.files.needs().loadsServerState, false);
    const line = 'load-server-state-from-file "$MODE"';
    for (
      const [lines, wanted] of [[[line], true], [[line], true], [["mode http"], false]] as const
    ) {
      await scene.find("defaults", ...lines);
      assert.equal(scene.files.needs().loadsServerState, wanted);
    }
  }
});

Deno.test("another configuration names other files, the same one the same again", async () => {
  await using scene = new Scene();
  for (const path of ["/a", "/b", "/b"]) {
    assert.deepEqual(scene.shown(await scene.find(`errorfile 503 ${path}`)), [path]);
  }
});

Deno.test("certificates have side files, those of a crt-store and other files have none", async () => {
  await using scene = new Scene();
  const lines = ["ssl-load-extra-files key ocsp", "bind :1 ssl crt /a.crt ca-file /ca"];
  const store = ["crt-store", "load crt /b.pem key /b.key"];
  const sources = await scene.find("global", ...lines, ...store);
  assert.deepEqual(scene.shown(sources), [
    ...["/a.crt + /a.crt.key /a.crt.ocsp", "/ca", "/b.pem", "/b.key"],
  ]);
});

Deno.test("side files may stand in place of .crt, but the bundles", async () => {
  await using scene = new Scene();
  const lines = ["ssl-load-extra-files key bundle", "ssl-load-extra-del-ext"];
  const sources = await scene.find("global", ...lines, "bind :1 ssl crt /a.crt crt /a.pem");
  assert.deepEqual(scene.shown(sources), [
    "/a.crt + /a.key /a.crt.rsa /a.crt.dsa /a.crt.ecdsa",
    "/a.pem + /a.pem.key /a.pem.rsa /a.pem.dsa /a.pem.ecdsa",
  ]);
});

Deno.test("what a certificate list names is found, and again after the list has changed", async () => {
  await using scene = new Scene();
  const configuration = [
    "ssl-load-extra-files none",
    "crt-base /base",
    "bind :1 ssl crt-list list",
  ];
  scene.write("list", "a.pem [ocsp /o] a.test\n# b.pem\n");
  assert.deepEqual(scene.shown(await scene.find("global", ...configuration)), [
    ...["list", "/base/a.pem +", "/o"],
  ]);
  scene.write("list", "/b.pem\n");
  assert.deepEqual(scene.shown(await scene.find("global", ...configuration)), ["list", "/b.pem +"]);
});

Deno.test("another base is another place for the same certificate list", async () => {
  await using scene = new Scene();
  scene.write("list", "a.pem\n");
  for (const base of ["/x", "/y"]) {
    const lines = ["ssl-load-extra-files none", `crt-base ${base}`, "bind :1 ssl crt-list list"];
    assert.deepEqual(scene.shown(await scene.find("global", ...lines)), [
      ...["list", `${base}/a.pem +`],
    ]);
  }
});

Deno.test("variables come from the environment and from the env file, which counts more", async () => {
  await using scene = new Scene({ environment: { A: "/a", B: "/b" } });
  const lines = [`errorfile 503 "$A"`, `errorfile 504 "$B"`];
  assert.deepEqual(scene.shown(await scene.find(...lines)), ["/a", "/b"]);
  scene.write("env", "B=/other\n");
  assert.deepEqual(scene.shown(await scene.find(...lines)), ["/a", "/other"]);
  Deno.removeSync(scene.at("env"));
  assert.deepEqual(scene.shown(await scene.find(...lines)), ["/a", "/b"]);
});

Deno.test("a certificate list names files, other files do not", async () => {
  await using scene = new Scene();
  scene.write("list", "");
  const sources = await scene.find("bind :1 ssl crt-list list crt /a ca-file /ca");
  const naming = sources.filter(({ namesFiles }) => namesFiles === true);
  assert.deepEqual(naming.map(({ path }) => path), [scene.at("list")]);
});

for (const kind of ["certificate list", "env file"] as const) {
  Deno.test(`a look at a touched ${kind} finds the files that it names now`, async () => {
    await using scene = new Scene();
    const lines = ["bind :1 ssl crt-list list", 'errorfile 503 "$E"'];
    const configuration = scene.write("h.cfg", lines.join("\n"));
    const [list, env, named] = [scene.write("list", ""), scene.write("env", ""), scene.write("b")];
    const scanner = createScanner([
      { kind: "configuration", path: configuration, foundBy: "-f" },
      { kind: "env_file", path: env, foundBy: "--env-file" },
    ], scene.files.findNamed);
    await scanner.scan();
    const touched = kind === "env file" ? env : list;
    Deno.writeTextFileSync(touched, kind === "env file" ? `E=${named}\n` : `${named}\n`);
    const { inventory } = await scanner.scan(new Set([touched]));
    assert.ok(inventory.files.some(({ path }) => path === named));
  });
}

Deno.test("what is listed is watched, named or not, by the command that lists it", async () => {
  await using scene = new Scene();
  await scene.find("global", "ssl-load-extra-files key", "bind :1 ssl crt /named.pem crt certs");
  const { sources } = scene.files.locate([
    certificate("/named.pem"),
    certificate("certs/a.pem"),
    certificate("certs/b.pem"),
    certificate("/b.pem"),
    certificate("@web/alias"),
    { tag: "acl", name: "c.acl", id: 1 },
  ]);
  assert.deepEqual(scene.shown(sources), [
    "/named.pem + /named.pem.key",
    "certs + certs.key",
    "/b.pem + /b.pem.key",
    "c.acl",
  ]);
  const certificates = Array.from({ length: 3 }, () => "show ssl cert");
  assert.deepEqual(sources.map(({ foundBy }) => foundBy), [...certificates, "show acl"]);
});

Deno.test("what a crt-store loads has no side files when it is listed either", async () => {
  await using scene = new Scene();
  await scene.find("crt-store s", "load crt b.pem alias b");
  const { sources } = scene.files.locate([certificate("@s/b")]);
  assert.deepEqual(scene.shown(sources), ["b.pem"]);
});

Deno.test("a map that is an ACL as well has one use, for HAProxy's one list", async () => {
  await using scene = new Scene();
  await scene.find("global");
  const [asMap, asAcl] = (["map", "acl"] as const).map((tag) => ({ tag, name: "m", id: 6 }));
  assert.deepEqual(scene.uses(asMap!, asAcl!, { tag: "acl", name: "l", id: 7 }), {
    m: [{ tag: "map", id: 6 }],
    l: [{ tag: "acl", id: 7 }],
  });
});

Deno.test("each kind that can be changed in place has its use, by HAProxy's name for it", async () => {
  await using scene = new Scene();
  await scene.find("global");
  const listed: ListedFile[] = [
    certificate("a.pem"),
    { tag: "ca_file", name: "ca" },
    { tag: "crl_file", name: "crl" },
    { tag: "map", name: "m", id: 1 },
    { tag: "acl", name: "l", id: 2 },
    { tag: "certificate_list", name: "list" },
    { tag: "ticket_keys", name: "keys" },
  ];
  assert.deepEqual(scene.uses(...listed), {
    "a.pem": [used("a.pem")],
    ca: [{ tag: "ca_file", name: "ca" }],
    crl: [{ tag: "crl_file", name: "crl" }],
    m: [{ tag: "map", id: 1 }],
    l: [{ tag: "acl", id: 2 }],
  });
});

Deno.test("a file by two names has two uses", async () => {
  await using scene = new Scene();
  await scene.find("global");
  assert.deepEqual(scene.uses(certificate("a"), certificate("./a")), {
    a: [used("a"), used("./a")],
  });
});

Deno.test("certificates of a directory are in it, by a relative base or an alias as well", async () => {
  await using scene = new Scene();
  await scene.find(
    ...["global", "default-path origin deep", "crt-base base", "bind :1 ssl crt certs"],
    ...["crt-store s", "load crt b.pem alias b key /b.key"],
  );
  assert.deepEqual(scene.uses(certificate("base/certs/a.pem"), certificate("@s/b")), {
    "deep/base/certs/a.pem": [used("base/certs/a.pem", { isMember: true })],
    "deep/base/b.pem": [used("@s/b", { keyPath: "/b.key" })],
    "/b.key": [used("@s/b", { keyPath: "/b.key" })],
  });
});

const FIXED: Readonly<Record<string, readonly string[]>> = {
  "an error file": ["errorfile 503 shared"],
  "the CA that signs": ["bind :1 ssl ca-sign-file shared"],
  "the CA of the HTTP client": ["httpclient.ssl.ca-file shared"],
};

for (const [what, lines] of Object.entries(FIXED)) {
  Deno.test(`a file that is also ${what} cannot be changed in place`, async () => {
    await using scene = new Scene();
    await scene.find("global", ...lines);
    const listed: ListedFile[] = [{ tag: "ca_file", name: "shared" }, certificate("a")];
    assert.deepEqual(Object.keys(scene.uses(...listed)), ["a"]);
  });
}

Deno.test("a file that is also a certificate list, or holds ticket keys, cannot be changed in place", async () => {
  await using scene = new Scene();
  await scene.find("global");
  for (const tag of ["certificate_list", "ticket_keys"] as const) {
    assert.deepEqual(scene.uses(certificate("a"), { tag, name: "./a" }), {});
  }
});

Deno.test("a key that a certificate list names can be changed with its certificate", async () => {
  await using scene = new Scene();
  scene.write("list", "/a.pem [key /k]\n/b.pem\n");
  await scene.find("global", "bind :1 ssl crt-list list");
  const a = used("/a.pem", { keyPath: "/k" });
  const uses = scene.uses(certificate("/a.pem"), certificate("/b.pem"));
  assert.deepEqual(uses, { "/a.pem": [a], "/k": [a], "/b.pem": [used("/b.pem")] });
});

Deno.test("the rule for keys beside certificates goes with the uses", async () => {
  await using scene = new Scene();
  for (const [line, replacesCrt] of [["", false], ["ssl-load-extra-del-ext", true]] as const) {
    await scene.find("global", line);
    assert.equal(scene.files.locate([certificate("a")]).uses.replacesCrt, replacesCrt);
  }
});

Deno.test("a certificate with an OCSP, issuer or SCTL file of its own is not changed in place", async () => {
  await using scene = new Scene();
  scene.write("list", "a.pem [ocsp /o] a.test\nb.pem b.test\n");
  const store = ["crt-store", "load crt /c.pem issuer /i", "load crt /d.pem key /d.key"];
  await scene.find(`bind :1 ssl crt-list ${scene.at("list")}`, ...store);
  const names = ["a.pem", "b.pem", "/c.pem", "/d.pem"];
  const uses = scene.uses(...names.map(certificate));
  assert.deepEqual(Object.keys(uses), ["b.pem", "/d.pem", "/d.key"]);
});

Deno.test("of two files of one name the first is the one that is loaded", async () => {
  await using scene = new Scene();
  const origins = ["default-path origin /first", "bind :1 ssl crt a.pem"];
  await scene.find(...origins, "default-path origin /second", "bind :2 ssl crt a.pem");
  assert.deepEqual(Object.keys(scene.uses(certificate("a.pem"))), ["/first/a.pem"]);
});
