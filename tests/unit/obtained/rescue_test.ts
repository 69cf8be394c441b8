/** What a killed wrapper did not save any more, the next one does. */
import assert from "node:assert/strict";
import type { FileReference } from "../../../lib/config/file_references.ts";
import { rescue } from "../../../lib/obtained/rescue.ts";
import type { LogEntry } from "../../../lib/system/log.ts";
import { Authority, later, type Pair } from "../../support/certificates.ts";
import { isThere } from "../../support/machine/files.ts";
import { ScriptedHaproxy } from "../../support/haproxy/scripted_haproxy.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

class Scene extends TempFolder {
  readonly authority = new Authority(this.at("ca"));
  readonly pem = this.at("certificates/site.pem");
  readonly lines: LogEntry[] = [];

  constructor() {
    super();
    Deno.mkdirSync(this.at("certificates"));
  }

  /** A certificate that is valid for that many days more. */
  issue(days: number): Pair & { readonly until: Date } {
    const until = later(days * 86_400_000);
    return { ...this.authority.issue({ from: later(-864_000_000), until }), until };
  }

  /** Rescues from a process that serves `pair`. */
  async rescue(pair: Pair & { readonly until: Date }): Promise<boolean> {
    const at = pair.until.toISOString().replace(/\.\d+/, "");
    const rows = `a\tLE\tRunning\t${at}\nother\tLE\tScheduled\t2099-01-01T00:00:00Z\n`;
    await using _ = new ScriptedHaproxy(
      this.at("1.sock"),
      (command) =>
        command === "acme status"
          ? `# certificate\tsection\tstate\texpiration date (UTC)\n${rows}`
          : pair.key + pair.certificate,
    );
    const files = [{ name: "a", path: this.pem, keyPath: null } as FileReference];
    const log = (entry: LogEntry) => void this.lines.push(entry);
    return await rescue({ generation: 0, socket: this.at("1.sock"), files, log });
  }
}

Deno.test("a certificate is saved where there is none, or an older one", async () => {
  await using scene = new Scene();
  for (const days of [30, 60]) {
    const pair = scene.issue(days);
    assert.equal(await scene.rescue(pair), true);
    assert.equal(Deno.readTextFileSync(scene.pem), pair.certificate + pair.key);
  }
  assert.match(scene.lines[0]!.text, /which generation 0 obtained, is saved/);
});

Deno.test("a newer certificate stays, and so does the same one", async () => {
  await using scene = new Scene();
  const [newer, older] = [scene.issue(60), scene.issue(30)];
  scene.write("certificates/site.pem", newer.pem);
  assert.equal(await scene.rescue(older), false);
  assert.equal(await scene.rescue(newer), false);
  assert.equal(Deno.readTextFileSync(scene.pem), newer.pem);
  assert.deepEqual(scene.lines, []);
});

Deno.test("HAProxy's own temporary certificate is not saved", async () => {
  await using scene = new Scene();
  assert.equal(await scene.rescue(scene.issue(-1)), false);
  assert.equal(isThere(scene.pem), false);
  assert.deepEqual(scene.lines, []);
});

Deno.test("a file that cannot be written is an error, and no reason not to start", async () => {
  await using scene = new Scene();
  Deno.chmodSync(scene.at("certificates"), 0o777);
  assert.equal(await scene.rescue(scene.issue(30)), false);
  assert.match(scene.lines[0]!.text, /^cannot save the certificate that generation 0 obtained/);
});

Deno.test("a process that does not answer has nothing to rescue", async () => {
  await using scene = new Scene();
  const log = () => assert.fail("nothing is logged");
  const options = { generation: 0, socket: scene.at("1.sock"), files: [], log };
  assert.equal(await rescue(options), false);
});
