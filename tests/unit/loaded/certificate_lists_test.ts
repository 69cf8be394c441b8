import assert from "node:assert/strict";
import { withListTexts, withoutLists } from "../../../lib/loaded/certificate_lists.ts";
import type { CertificateListTarget, Target } from "../../../lib/loaded/targets.ts";
import { sha256 } from "../../../lib/system/files/contents.ts";
import { fingerprintOf } from "../../../lib/watch/scan/fingerprint.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const MAP: Target = { tag: "map", path: "/m", id: 1 };

/** The targets after the list was scanned and then changed. */
async function targetsAfter(change: (path: string) => void) {
  await using folder = new TempFolder();
  const path = folder.write("list", "/a.pem ä\n");
  const list: CertificateListTarget = {
    tag: "certificate_list",
    path,
    name: "list",
    text: "",
    replacesCrt: false,
    bases: { crt: null, key: null, ca: null, directory: "/" },
    companions: [],
    unused: [],
  };
  const byPath = new Map<string, readonly Target[]>([["/m", [MAP]], [path, [list]]]);
  const targets = { byPath, replacesCrt: false };
  const mark = { content: await sha256(Deno.readFileSync(path)), modifiedMs: 0, stamp: "" };
  const fingerprint = await fingerprintOf(new Map([[path, mark]]));
  change(path);
  assert.deepEqual([...withoutLists(targets).byPath], [["/m", [MAP]]]);
  return [...(await withListTexts(targets, fingerprint)).byPath.values()].flat();
}

Deno.test("the text of a list is what was scanned", async () => {
  const [map, list] = await targetsAfter(() => {});
  assert.deepEqual(map, MAP);
  assert.equal(list?.tag === "certificate_list" && list.text, "/a.pem ä\n");
});

for (
  const [what, change] of [
    ["has changed since", (path: string) => Deno.writeTextFileSync(path, "/b.pem\n")],
    ["is gone", (path: string) => Deno.removeSync(path)],
    ["is too large", (path: string) => Deno.truncateSync(path, 3 * 2 ** 20)],
  ] as const
) {
  Deno.test(`a list that ${what} is no target`, async () => {
    assert.deepEqual(await targetsAfter(change), [MAP]);
  });
}
