import assert from "node:assert/strict";
import { findForeignProgram } from "../../../../lib/haproxy/process/program_path.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const user = Deno.uid()!;

/** The directory `safe` has a program; `open` has none, and others may write to it. */
class Programs extends TempFolder {
  readonly program = this.write("safe/haproxy");

  constructor() {
    super();
    Deno.mkdirSync(this.at("open"));
    Deno.chmodSync(this.at("open"), 0o777);
  }

  async find(...names: readonly string[]): Promise<string | null> {
    return await findForeignProgram(names.map((name) => this.at(name)).join(":"), user);
  }
}

Deno.test("only the program's directory and those before it decide what is started", async () => {
  await using programs = new Programs();
  assert.equal(await programs.find("safe", "open"), null);
  assert.equal(await programs.find("missing", "safe"), null);
  assert.match((await programs.find("open", "safe"))!, /^others may write to ".*open"/);
  programs.write("open/haproxy");
  assert.match((await programs.find("open"))!, /^others may write to ".*open"/);
});

Deno.test("a link to the program is followed", async () => {
  await using programs = new Programs();
  programs.write("open/real");
  programs.link("links/haproxy", "../open/real");
  assert.match((await programs.find("links"))!, /^others may write to ".*open"/);
});
