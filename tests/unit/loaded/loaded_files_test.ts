import assert from "node:assert/strict";
import type { ListedFile } from "../../../lib/haproxy/runtime/listing.ts";
import { createLoadedFiles, type LoadedFiles } from "../../../lib/loaded/loaded_files.ts";
import { sideFilesOf } from "../../../lib/config/side_files.ts";
import type { SourceFile } from "../../../lib/watch/scan/inventory.ts";
import { createScanner } from "../../../lib/watch/scan/scan.ts";
import type { Source } from "../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

/** HAProxy's working directory, with a configuration. */
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

  /** The paths of `sources` relative to the folder, with the side files after the `+`. */
  shown(sources: readonly Source[]): string[] {
    return sources.map(({ path, sideFiles }) =>
      [path, ...sideFiles === undefined ? [] : ["+", ...sideFilesOf(path, sideFiles)]]
        .map((one) => one.replace(`${this.path}/`, "")).join(" ")
    );
  }

  /** The targets of each path, relative to the folder; `null` for a key beside its certificate. */
  targets(...listed: readonly ListedFile[]): Record<string, object[]> {
    const { targets: { byPath } } = this.files.locate(listed);
    return Object.fromEntries(
      Array.from(byPath, ([path, targets]) => [
        path.replace(`${this.path}/`, ""),
        targets.map(({ path, ...rest }) =>
          "keyPath" in rest && rest.keyPath === `${path}.key` ? { ...rest, keyPath: null } : rest
        ),
      ]),
    );
  }
}

const certificate = (name: string): ListedFile => ({ tag: "certificate", name });
const used = (name: string, more: object = {}) => ({
  tag: "certificate",
  name,
  keyPath: null,
  isMember: false,
  ...more,
});

Deno.test("a file that the configuration names is found, with its keyword and line", async () => {
  await using scene = new Scene();
  const [source, ...others] = await scene.find("frontend a", "  errorfile 503 /e");
  const foundBy = `errorfile in "${scene.at("h.cfg")}" line 2`;
  assert.deepEqual(source, { kind: "loaded", path: "/e", foundBy });
  assert.deepEqual(others, []);
});

Deno.test("with --no-watch-loaded no named file is found", async () => {
  await using scene = new Scene({ watchLoaded: false });
  assert.deepEqual(await scene.find("errorfile 503 /e"), []);
});

Deno.test("what HAProxy obtains itself is known while an acme section is there, watched or not", async () => {
  for (const watchLoaded of [true, false]) {
    await using scene = new Scene({ watchLoaded });
    scene.write("list", "/b.pem [acme LE domains b.test]\n/c.pem\n");
    const lines = [
      "acme LE",
      "crt-store",
      "  load crt /a.pem alias site acme LE domains a.test",
      "frontend f",
      `  bind :1 ssl crt-list ${scene.at("list")}`,
    ];
    await scene.find(...lines);
    const obtained = () => scene.files.obtained().map(({ name, path }) => `${name} ${path}`);
    assert.deepEqual(obtained(), ["@/site /a.pem", "/b.pem /b.pem"]);
    await scene.find(...lines.slice(1));
    assert.deepEqual(obtained(), []);
  }
});

Deno.test("the needs are those of the last configuration, watched or not", async () => {
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

Deno.test("each configuration names its own files", async () => {
  await using scene = new Scene();
  for (const path of ["/a", "/b", "/b"]) {
    assert.deepEqual(scene.shown(await scene.find(`errorfile 503 ${path}`)), [path]);
  }
});

Deno.test("certificates have side files; those of a crt-store and other files have none", async () => {
  await using scene = new Scene();
  const lines = ["ssl-load-extra-files key ocsp", "bind :1 ssl crt /a.crt ca-file /ca"];
  const store = ["crt-store", "load crt /b.pem key /b.key"];
  const sources = await scene.find("global", ...lines, ...store);
  assert.deepEqual(scene.shown(sources), [
    ...["/a.crt + /a.crt.key /a.crt.ocsp", "/ca", "/b.pem", "/b.key"],
  ]);
});

Deno.test("side files, except bundles, may stand in place of .crt", async () => {
  await using scene = new Scene();
  const lines = ["ssl-load-extra-files key bundle", "ssl-load-extra-del-ext"];
  const sources = await scene.find("global", ...lines, "bind :1 ssl crt /a.crt crt /a.pem");
  assert.deepEqual(scene.shown(sources), [
    "/a.crt + /a.key /a.crt.rsa /a.crt.dsa /a.crt.ecdsa",
    "/a.pem + /a.pem.key /a.pem.rsa /a.pem.dsa /a.pem.ecdsa",
  ]);
});

Deno.test("what a certificate list names is found, even after the list has changed", async () => {
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

Deno.test("another crt-base applies to the same certificate list", async () => {
  await using scene = new Scene();
  scene.write("list", "a.pem\n");
  for (const base of ["/x", "/y"]) {
    const lines = ["ssl-load-extra-files none", `crt-base ${base}`, "bind :1 ssl crt-list list"];
    assert.deepEqual(scene.shown(await scene.find("global", ...lines)), [
      ...["list", `${base}/a.pem +`],
    ]);
  }
});

Deno.test("variables come from the environment and the env file, which wins", async () => {
  await using scene = new Scene({ environment: { A: "/a", B: "/b" } });
  const lines = [`errorfile 503 "$A"`, `errorfile 504 "$B"`];
  assert.deepEqual(scene.shown(await scene.find(...lines)), ["/a", "/b"]);
  scene.write("env", "B=/other\n");
  assert.deepEqual(scene.shown(await scene.find(...lines)), ["/a", "/other"]);
  Deno.removeSync(scene.at("env"));
  assert.deepEqual(scene.shown(await scene.find(...lines)), ["/a", "/b"]);
});

Deno.test("a certificate list names files; other files do not", async () => {
  await using scene = new Scene();
  scene.write("list", "");
  const sources = await scene.find("bind :1 ssl crt-list list crt /a ca-file /ca");
  const naming = sources.filter(({ namesFiles }) => namesFiles === true);
  assert.deepEqual(naming.map(({ path }) => path), [scene.at("list")]);
});

for (const kind of ["certificate list", "env file"] as const) {
  Deno.test(`a scan of a touched ${kind} finds the files that it names now`, async () => {
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

Deno.test("what HAProxy lists is watched, whether the configuration names it or not", async () => {
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

Deno.test("a listed certificate of a crt-store has no side files either", async () => {
  await using scene = new Scene();
  await scene.find("crt-store s", "load crt b.pem alias b");
  const { sources } = scene.files.locate([certificate("@s/b")]);
  assert.deepEqual(scene.shown(sources), ["b.pem"]);
});

Deno.test("a map that is also an ACL is one target, as HAProxy has one list for it", async () => {
  await using scene = new Scene();
  await scene.find("global");
  const [asMap, asAcl] = (["map", "acl"] as const).map((tag) => ({ tag, name: "m", id: 6 }));
  assert.deepEqual(scene.targets(asMap!, asAcl!, { tag: "acl", name: "l", id: 7 }), {
    m: [{ tag: "map", id: 6 }],
    l: [{ tag: "acl", id: 7 }],
  });
});

Deno.test("each kind that can be hot-applied is a target, under HAProxy's name for it", async () => {
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
  assert.deepEqual(scene.targets(...listed), {
    "a.pem": [used("a.pem")],
    ca: [{ tag: "ca_file", name: "ca" }],
    crl: [{ tag: "crl_file", name: "crl" }],
    m: [{ tag: "map", id: 1 }],
    l: [{ tag: "acl", id: 2 }],
  });
});

Deno.test("a file by two names has two targets", async () => {
  await using scene = new Scene();
  await scene.find("global");
  assert.deepEqual(scene.targets(certificate("a"), certificate("./a")), {
    a: [used("a"), used("./a")],
  });
});

Deno.test("certificates are found in their directory, even by a relative base or an alias", async () => {
  await using scene = new Scene();
  await scene.find(
    ...["global", "default-path origin deep", "crt-base base", "bind :1 ssl crt certs"],
    ...["crt-store s", "load crt b.pem alias b key /b.key"],
  );
  assert.deepEqual(scene.targets(certificate("base/certs/a.pem"), certificate("@s/b")), {
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
  Deno.test(`a file that is also ${what} requires a reload`, async () => {
    await using scene = new Scene();
    await scene.find("global", ...lines);
    const listed: ListedFile[] = [{ tag: "ca_file", name: "shared" }, certificate("a")];
    assert.deepEqual(Object.keys(scene.targets(...listed)), ["a"]);
  });
}

Deno.test("a file that is also a certificate list, or holds ticket keys, requires a reload", async () => {
  await using scene = new Scene();
  await scene.find("global");
  for (const tag of ["certificate_list", "ticket_keys"] as const) {
    assert.deepEqual(scene.targets(certificate("a"), { tag, name: "./a" }), {});
  }
});

Deno.test("a key that a certificate list names changes with its certificate", async () => {
  await using scene = new Scene();
  scene.write("list", "/a.pem [key /k]\n/b.pem\n");
  await scene.find("global", "bind :1 ssl crt-list list");
  const a = used("/a.pem", { keyPath: "/k" });
  const targets = scene.targets(certificate("/a.pem"), certificate("/b.pem"));
  assert.deepEqual(targets, { "/a.pem": [a], "/k": [a], "/b.pem": [used("/b.pem")] });
});

Deno.test("a key beside a .crt is where HAProxy looks for it", async () => {
  await using scene = new Scene();
  for (const [line, keyPath] of [["", null], ["ssl-load-extra-del-ext", "/a.key"]] as const) {
    await scene.find("global", line);
    assert.deepEqual(scene.targets(certificate("/a.crt")), {
      "/a.crt": [used("/a.crt", { keyPath })],
    });
  }
});

Deno.test("a certificate with an OCSP, issuer or SCTL file of its own requires a reload", async () => {
  await using scene = new Scene();
  scene.write("list", "a.pem [ocsp /o] a.test\nb.pem b.test\n");
  const store = ["crt-store", "load crt /c.pem issuer /i", "load crt /d.pem key /d.key"];
  await scene.find(`bind :1 ssl crt-list ${scene.at("list")}`, ...store);
  const names = ["a.pem", "b.pem", "/c.pem", "/d.pem"];
  const targets = scene.targets(...names.map(certificate));
  assert.deepEqual(Object.keys(targets), ["b.pem", "/d.pem", "/d.key"]);
});

Deno.test("of two files with one name the first is loaded", async () => {
  await using scene = new Scene();
  const origins = ["default-path origin /first", "bind :1 ssl crt a.pem"];
  await scene.find(...origins, "default-path origin /second", "bind :2 ssl crt a.pem");
  assert.deepEqual(Object.keys(scene.targets(certificate("a.pem"))), ["/first/a.pem"]);
});

const DIRECTORY: readonly ListedFile[] = [
  certificate("certs/a.pem"),
  { tag: "certificate_list", name: "certs" },
];

Deno.test("certificates can come and go in a directory that the process lists", async () => {
  await using scene = new Scene();
  await scene.find("bind :1 ssl crt certs/ crt site.pem", "bind :2 ssl crt certs");
  const { targets } = scene.files.locate(DIRECTORY);
  assert.deepEqual(targets.lists, new Map([[scene.at("certs"), "certs"]]));
  assert.deepEqual(targets.byPath.get(scene.at("certs/a.pem")), [
    {
      ...used("certs/a.pem", { isMember: true, list: "certs" }),
      path: scene.at("certs/a.pem"),
      keyPath: scene.at("certs/a.pem.key"),
    },
  ]);
});

for (
  const [what, lines, listed] of [
    ["by two names", ["bind :1 ssl crt certs", "bind :2 ssl crt ./certs"], [
      { tag: "certificate_list", name: "./certs" },
    ]],
    ["beside a list with filters of its own", ["bind :1 ssl crt certs crt-list l"], [
      { tag: "certificate_list", name: "l" },
    ]],
    ["beside a list that nobody knows", ["bind :1 ssl crt certs"], [
      { tag: "certificate_list", name: "other" },
    ]],
    ["beside certificates that are no targets", [
      ...["bind :1 ssl crt certs crt s.pem", "crt-store", "load crt t.pem ocsp t.ocsp"],
    ], []],
  ] as const
) {
  Deno.test(`not in a directory ${what}`, async () => {
    await using scene = new Scene();
    await scene.find(...lines);
    const { targets } = scene.files.locate([...DIRECTORY, ...listed]);
    assert.deepEqual(targets.lists, new Map());
  });
}

Deno.test("where only servers differ that name no files, the same is named as before", async () => {
  await using scene = new Scene();
  const lines = (server: string) => ["backend b", "  errorfile 503 /e", `  server s ${server}`];
  const first = await scene.find(...lines("10.0.0.1:80"));
  assert.deepEqual(await scene.find(...lines("10.0.0.2:80 weight 5")), first);
  assert.match(scene.files.texts()[0]!.text, /weight 5/);
  const paths = (sources: readonly Source[]) => scene.shown(sources);
  assert.deepEqual(paths(await scene.find(...lines("10.0.0.2:80 ssl ca-file /ca"))), ["/e", "/ca"]);
  assert.deepEqual(paths(await scene.find("# one", ...lines("10.0.0.2:80"))), ["/e"]);
});

const LISTING: ListedFile = { tag: "certificate_list", name: "l" };

Deno.test("a certificate list is a target, with what stands beside it", async () => {
  await using scene = new Scene();
  await scene.find(
    "global",
    "crt-base /c",
    "bind :1 ssl crt a.pem crt-list l",
    "bind :2 crt-list l",
  );
  const bases = { crt: "/c", key: null, ca: null, directory: scene.path };
  assert.deepEqual(scene.targets(LISTING, certificate("/c/a.pem")), {
    l: [{
      tag: "certificate_list",
      name: "l",
      text: "",
      bases,
      replacesCrt: false,
      companions: ["/c/a.pem"],
      unused: [],
    }],
    "/c/a.pem": [used("/c/a.pem")],
  });
});

for (
  const [what, lines, others] of [
    ["two names", ["bind :1 ssl crt-list l", "bind :2 ssl crt-list ./l"], [
      { tag: "certificate_list", name: "./l" },
    ]],
    ["another purpose", ["bind :1 ssl crt-list l", "errorfile 503 l"], []],
    ["company on its line", ["bind :1 ssl crt-list l crt-list m"], [
      { tag: "certificate_list", name: "m" },
    ]],
    ["a list of HAProxy's own beside it", ["bind :1 ssl crt-list l"], [
      { tag: "certificate_list", name: "@own" },
    ]],
  ] as const
) {
  Deno.test(`a certificate list with ${what} requires a reload`, async () => {
    await using scene = new Scene();
    await scene.find("global", ...lines);
    assert.deepEqual(scene.targets(LISTING, ...others), {});
  });
}
