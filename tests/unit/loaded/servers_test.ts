import assert from "node:assert/strict";
import { readTexts, serversOf } from "../../../lib/loaded/servers.ts";
import type { ReadText } from "../../../lib/loaded/text_cache.ts";
import { fingerprintOf } from "../../../lib/watch/scan/fingerprint.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const TEXTS: readonly ReadText[] = [
  { path: "/a", text: "backend a\n", digest: "1" },
  { path: "/b", text: "backend b\n", digest: "2" },
];

/** The servers where the scan found files with these digests. */
async function servers(digests: Readonly<Record<string, string>>, texts = TEXTS) {
  const marks = Object.entries(digests).map(([path, content]) =>
    [path, { content, modifiedMs: 0, stamp: "" }] as const
  );
  const fingerprint = await fingerprintOf(new Map(marks));
  return serversOf(texts, { environment: { A: "1" }, fingerprint });
}

Deno.test("what the files said is remembered, with the variables", async () => {
  const found = await servers({ "/a": "1", "/b": "2", "/map": "3" });
  assert.deepEqual(found, {
    tag: "server",
    path: "/a",
    paths: ["/a", "/b"],
    texts: ["backend a\n", "backend b\n"],
    environment: { A: "1" },
    hot: new Map(),
    removed: [],
    doubtful: [],
  });
});

Deno.test("nothing is known of the servers where a file is another, gone, or was not read", async () => {
  assert.equal(await servers({ "/a": "1", "/b": "9" }), null);
  assert.equal(await servers({ "/a": "1" }), null);
  assert.equal(await servers({ "/a": "1" }, [{ path: "/a", text: "", digest: "" }]), null);
  assert.equal(await servers({}, []), null);
});

Deno.test("files are read as they are now, up to a limit for all", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a", "one\n"), folder.write("b", "two\n")];
  assert.deepEqual(await readTexts([a, b]), ["one\n", "two\n"]);
  Deno.truncateSync(b, 9 * 2 ** 20);
  assert.equal(await readTexts([a, b]), null);
  assert.equal(await readTexts([a, folder.at("gone")]), null);
});
