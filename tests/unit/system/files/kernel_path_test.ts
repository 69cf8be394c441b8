import assert from "node:assert/strict";
import { kernelPath, kernelPathAtOnce } from "../../../../lib/system/files/kernel_path.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

Deno.test("the parent of a link is that of where it leads", async () => {
  await using folder = new TempFolder();
  folder.write("real/below/file");
  folder.link("link", "real/below");
  folder.link("real/back", "..");
  const cases = [
    ["link/../x", "real/x"],
    ["link/../below/../x", "real/x"],
    ["link/../../x", "x"],
    ["link/../back/../x", "../x"],
    ["real//below/./../x", "real/x"],
    ["link/..", "real"],
    ["link/x", "link/x"],
    ["link/..x", "link/..x"],
  ];
  for (const [path, expected] of cases) {
    const wanted = expected === "../x" ? `${parentOf(folder.path)}/x` : folder.at(expected!);
    const given = `${folder.path}/${path}`;
    assert.equal(await kernelPath(given), wanted, path);
    assert.equal(kernelPathAtOnce(given), wanted, path);
  }
});

Deno.test("the root is its own parent", async () => {
  for (const [path, expected] of [["/..", "/"], ["/../../etc", "/etc"], ["/etc/../..", "/"]]) {
    assert.equal(await kernelPath(path!), expected);
    assert.equal(kernelPathAtOnce(path!), expected);
  }
});

Deno.test("a path whose beginning is missing is not found", async () => {
  await using folder = new TempFolder();
  const path = folder.at("nowhere") + "/../x";
  await assert.rejects(kernelPath(path), Deno.errors.NotFound);
  assert.throws(() => kernelPathAtOnce(path), Deno.errors.NotFound);
});

const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/"));
