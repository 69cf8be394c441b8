/** QUIC clients take part if the HAProxy that is now first in PATH speaks it. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { IMPORT_OPTIONS } from "../../support/wrapper/program.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

/** Puts another HAProxy first in PATH after all modules have loaded, as `--haproxy` does. */
const PROGRAM = `
import { makeSite } from "${import.meta.resolve("./site.ts")}";
Deno.env.set("PATH", Deno.args[0] + ":" + Deno.env.get("PATH"));
await using room = new AsyncDisposableStack();
const { ports } = await makeSite(room);
console.log("http3" in ports && "http3_kept" in ports);
Deno.exit();
`;

for (const [answer, status] of [[true, 0], [false, 1]] as const) {
  Deno.test(`a HAProxy that answers ${status} when asked for QUIC: ${answer}`, async () => {
    await using folder = new TempFolder();
    Deno.writeTextFileSync(folder.at("haproxy"), `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 });
    const program = folder.write("program.ts", PROGRAM);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-net", ...configOptions(), program, folder.at(".")],
    }).output();
    const error = new TextDecoder().decode(stderr);
    assert.equal(new TextDecoder().decode(stdout), `${answer}\n`, error);
  });
}

const configOptions = () => [
  "--quiet",
  `--config=${join(import.meta.dirname!, "../../../deno.json")}`,
  ...IMPORT_OPTIONS,
];
