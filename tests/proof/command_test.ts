/** The proof's command: its output, files and exit statuses. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { IMPORT_OPTIONS } from "../support/wrapper/program.ts";
import { TempFolder } from "../support/machine/temp_folder.ts";
import type { Results } from "./report/results.ts";
import { campaign, load, MACHINE, run as sampleRun } from "./report/samples.ts";

async function run(...args: readonly string[]) {
  const entry = join(import.meta.dirname!, "proof.ts");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", ...IMPORT_OPTIONS, entry, ...args],
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, error: error! };
}

Deno.test("bad options end with 64, and all problems are reported", async () => {
  const { code, out, error } = await run("--reloads", "0", "--only", "nobody");
  assert.equal(code, 64);
  assert.equal(out, "");
  assert.match(error, /--reloads: found "0".*\n--only: found "nobody".*\ndeno task proof/);
});

Deno.test("a file that does not exist ends with 69", async () => {
  for (const option of ["--haproxy", "--from"]) {
    const { code, error } = await run(option, "/none");
    assert.equal(code, 69);
    assert.equal(error, `${option}: there is no "/none"\n`);
  }
});

Deno.test("an earlier run is shown again, with its plot and its faults", async () => {
  await using folder = new TempFolder();
  const show = async (results: Results) => {
    const from = folder.write("results.json", JSON.stringify(results));
    return await run("--from", from, "--svg", folder.at("plot.svg"));
  };
  const fine = await show(sampleRun({ wrapper: campaign() }));
  assert.equal(fine.code, 0, fine.error);
  assert.match(
    fine.out,
    /^\| {2}\| wrapper \|\n[^]*\n\nwrapper 0 \(executable\), .*, `deno task proof`\n$/,
  );
  assert.match(Deno.readTextFileSync(folder.at("plot.svg")), /^<svg [^]*<\/svg>\n$/);
  const wrapper = campaign({ load: load({ tcp: { failures: { cut: 2 } } }) });
  const faulty = await show(sampleRun({ wrapper }));
  assert.equal(faulty.code, 1);
  assert.match(faulty.error, /^FAULT TCP, connections of 1 to 3 s: 2 × cut answer$/m);
});

Deno.test("several earlier runs make one table and one plot, and a fault names its HAProxy", async () => {
  await using folder = new TempFolder();
  const old = { ...MACHINE, haproxy: "2.6.12-1+deb12u4" };
  const wrapper = campaign({ load: load({ tcp: { failures: { cut: 2 } } }) });
  const runs = [sampleRun({ wrapper }, { machine: old }), sampleRun({ wrapper: campaign() })];
  const from = runs.flatMap((one, index) => [
    "--from",
    folder.write(`${index}.json`, JSON.stringify(one)),
  ]);
  const { code, out, error } = await run(...from, "--svg", folder.at("plot.svg"));
  assert.equal(code, 1);
  assert.match(out, /^\| HAProxy 2\.6\.12 \| wrapper \|[^]*^\| HAProxy 3\.4\.7 \| wrapper \|/m);
  assert.match(error, /^FAULT HAProxy 2\.6\.12, TCP, connections of 1 to 3 s: 2 × cut answer\n$/m);
  assert.match(Deno.readTextFileSync(folder.at("plot.svg")), /HAProxy 2\.6\.12[^]*HAProxy 3\.4\.7/);
});
