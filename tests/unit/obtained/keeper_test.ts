/** The serving process is asked for the certificates that it obtains, and each new one is saved once. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { FileReference } from "../../../lib/config/file_references.ts";
import { contentOf } from "../../../lib/obtained/holding.ts";
import { type Change, Keeper, type Serving, type Shown } from "../../../lib/obtained/keeper.ts";
import type { LogEntry } from "../../../lib/system/log.ts";
import { fingerprintOf, MISSING } from "../../../lib/watch/scan/fingerprint.ts";
import { Authority, later, type Pair } from "../../support/certificates.ts";
import { isThere } from "../../support/machine/files.ts";
import { ScriptedHaproxy } from "../../support/haproxy/scripted_haproxy.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { waitFor } from "../../support/wait.ts";

const HEADER = "# certificate\tsection\tstate\texpiration date (UTC)\texpires in\n";
const PAUSES = { idleMs: 5, renewingMs: 5, failedMs: 50 };

const digestOf = async (path: string) => (await contentOf(path)).content;

/** As HAProxy shows a certificate. */
function shown({ certificate }: Pair): string {
  const { serialNumber, validFrom, validTo, fingerprint } = new X509Certificate(certificate);
  const sha1 = fingerprint.replaceAll(":", "");
  return `Filename: @web/site\nSerial: ${serialNumber}\nnotBefore: ${validFrom}\nnotAfter: ${validTo}\nSHA1 FingerPrint: ${sha1}\n\n`;
}

/** A process that obtains the certificate of "site.pem", and what the keeper does about it. */
class Scene extends TempFolder {
  readonly authority = new Authority(this.at("ca"));
  readonly pem = this.at("certificates/site.pem");
  readonly lines: LogEntry[] = [];
  readonly shown: Shown[] = [];
  /** The generations that were asked. */
  readonly asked = new Set<number>();
  readonly changes: Change[] = [];
  readonly haproxy: ScriptedHaproxy;
  readonly keeper: Keeper;
  state = "Scheduled";
  isLocked = false;
  /** Whether it answers no more. */
  isHung = false;
  expires: Date;
  serves: Pair;

  constructor({ watchLoaded = true, pauses = PAUSES, names = ["@web/site"] } = {}) {
    super();
    Deno.mkdirSync(this.at("certificates"));
    this.expires = later(-86_400_000);
    this.serves = this.authority.issue({ from: later(-172_800_000), until: this.expires });
    this.haproxy = new ScriptedHaproxy(this.at("1.sock"), (command) => this.#answer(command));
    this.keeper = new Keeper({
      watchLoaded,
      obtained: () =>
        names.map((name, index) => {
          const where = { file: "/haproxy.cfg", line: index + 1 };
          return { name, path: this.pem, keyPath: null, ...where } as FileReference;
        }),
      socket: (generation) => {
        this.asked.add(generation);
        return this.at("1.sock");
      },
      onShown: (_, shown) => this.shown.push(shown),
      onSaved: (_, changes) => this.changes.push(...changes),
      onBug: (bug) => this.lines.push({ level: "error", text: `bug: ${bug}`, fields: {} }),
      log: (entry) => this.lines.push(entry),
      pauses,
    });
  }

  #answer(command: string): string | null {
    if (this.isHung) return null;
    if (command === "dump ssl cert @web/site") return this.serves.key + this.serves.certificate;
    if (command === "show ssl cert @web/site") return shown(this.serves);
    assert.equal(command, "acme status");
    if (this.isLocked) return "\n";
    const at = this.expires.toISOString().replace(/\.\d+/, "");
    return `${HEADER}/other.pem\tLE\tRunning\t2030-01-01T00:00:00Z\t-\n@web/site\tLE\t${this.state}\t${at}\t-\n\n`;
  }

  get dumps(): number {
    return this.haproxy.commands.filter((one) => one.startsWith("dump")).length;
  }

  /** A generation that has loaded what the file holds now. */
  async generation(): Promise<Serving> {
    const content = await digestOf(this.pem);
    const mark = { content, modifiedMs: 0, stamp: "" };
    const files = content === MISSING ? [] : [[this.pem, mark] as const];
    return { number: 1, fingerprint: await fingerprintOf(new Map(files)), rejected: null };
  }

  async follow(more: Partial<Serving> = {}): Promise<Serving> {
    const serving = { ...await this.generation(), ...more };
    this.keeper.observe(serving, false);
    return serving;
  }

  /** As if a renewal had ended well. */
  obtain(): void {
    this.expires = later(30 * 86_400_000);
    this.serves = this.authority.issue({ until: this.expires });
    this.state = "Scheduled";
  }

  /** Waits until the process was asked twice more, so that whatever was to happen has happened. */
  async isAskedTwice(): Promise<void> {
    const asked = () => this.haproxy.commands.filter((one) => one === "acme status").length;
    const before = asked();
    await waitFor("two more questions", () => asked() >= before + 2);
  }

  /** Waits until that is the last that was shown. */
  async shows({ isRenewing }: Pick<Shown, "isRenewing">): Promise<void> {
    await waitFor(
      `isRenewing to be ${isRenewing}`,
      () => this.shown.at(-1)?.isRenewing === isRenewing,
    );
  }

  async says(pattern: RegExp): Promise<LogEntry> {
    return await waitFor(`${pattern}`, () => this.lines.find(({ text }) => pattern.test(text)), {
      explain: () => JSON.stringify(this.lines),
    });
  }

  /** Asserts that nothing was shown of any key. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.keeper.close();
    await this.haproxy[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
    assert.doesNotMatch(JSON.stringify([this.lines, this.shown, this.changes]), /PRIVATE KEY/);
  }
}

Deno.test("a new certificate is saved once, and its generation's fingerprint follows", async () => {
  await using scene = new Scene();
  const { fingerprint } = await scene.follow();
  scene.state = "Running";
  await scene.shows({ isRenewing: true });
  assert.equal(isThere(scene.pem), false);
  scene.obtain();
  const { text } = await scene.says(/is saved; it expires/);
  assert.ok(text.startsWith(`certificate "${scene.pem}", which generation 1 obtained, is saved`));
  assert.deepEqual(scene.changes, [{
    before: fingerprint,
    after: { ...scene.changes[0]?.after, digest: (await scene.generation()).fingerprint!.digest },
  }]);
  await scene.shows({ isRenewing: false });
  const seconds = Math.floor(scene.expires.getTime() / 1_000) * 1_000;
  assert.deepEqual(scene.shown.at(-1)!.expiries, new Map([[scene.pem, seconds]]));
  await scene.isAskedTwice();
  assert.equal(scene.lines.length, 1);
  assert.equal(scene.dumps, 1);
});

Deno.test("the end of a renewal is shown only once the certificate is saved", async () => {
  await using scene = new Scene();
  scene.state = "Running";
  await scene.follow();
  await scene.shows({ isRenewing: true });
  scene.obtain();
  await scene.shows({ isRenewing: false });
  assert.equal(scene.changes.length, 1);
});

Deno.test("what a generation loaded is not saved", async () => {
  await using scene = new Scene();
  scene.obtain();
  scene.write("certificates/site.pem", scene.serves.pem);
  await scene.follow();
  await scene.isAskedTwice();
  assert.equal(Deno.readTextFileSync(scene.pem), scene.serves.pem);
  assert.equal(scene.dumps, 0);
});

for (const isThere of [true, false]) {
  const what = isThere ? "its file" : "a file that did not exist";
  Deno.test(`what was obtained before the first answer is saved in ${what}`, async () => {
    await using scene = new Scene();
    if (isThere) scene.write("certificates/site.pem", scene.serves.pem);
    const serving = await scene.generation();
    scene.obtain();
    await scene.follow(serving);
    await scene.says(/is saved/);
    assert.ok(Deno.readTextFileSync(scene.pem).startsWith(scene.serves.certificate));
  });
}

Deno.test("a file that was replaced before the first answer stays", async () => {
  await using scene = new Scene();
  scene.write("certificates/site.pem", scene.serves.pem);
  const serving = await scene.generation();
  const other = scene.authority.issue();
  scene.write("certificates/site.pem", other.pem);
  scene.obtain();
  await scene.follow(serving);
  await scene.isAskedTwice();
  assert.equal(Deno.readTextFileSync(scene.pem), other.pem);
});

Deno.test("a certificate that cannot be saved yet is still awaited", async () => {
  await using scene = new Scene();
  const serving = await scene.follow();
  scene.state = "Running";
  await scene.shows({ isRenewing: true });
  scene.keeper.observe(serving, true);
  scene.obtain();
  await scene.isAskedTwice();
  assert.equal(scene.shown.at(-1)?.isRenewing, true);
  scene.keeper.observe(serving, false);
  await scene.shows({ isRenewing: false });
  assert.equal(scene.changes.length, 1);
});

Deno.test("nothing is saved while a start reads the files, but right after it", async () => {
  await using scene = new Scene();
  const serving = await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.keeper.observe(serving, true);
  scene.obtain();
  await scene.isAskedTwice();
  assert.equal(isThere(scene.pem), false);
  scene.keeper.observe(serving, false);
  await scene.says(/is saved/);
});

Deno.test("a renewal without a certificate has one line", async () => {
  await using scene = new Scene();
  scene.state = "Running";
  await scene.follow();
  await scene.shows({ isRenewing: true });
  scene.state = "Scheduled";
  await scene.says(/^generation 1 obtained no certificate for ".*site.pem"/);
  await scene.isAskedTwice();
  assert.equal(scene.lines.length, 1);
});

Deno.test("a certificate that expires when the last one did is saved too", async () => {
  await using scene = new Scene();
  scene.obtain();
  scene.write("certificates/site.pem", scene.serves.pem);
  await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.state = "Running";
  await scene.shows({ isRenewing: true });
  scene.serves = scene.authority.issue({ until: scene.expires });
  scene.state = "Scheduled";
  await scene.says(/is saved/);
  assert.ok(Deno.readTextFileSync(scene.pem).startsWith(scene.serves.certificate));
  await scene.shows({ isRenewing: false });
  await scene.isAskedTwice();
  assert.equal(scene.lines.length, 1);
});

Deno.test("one that was obtained before the first answer, and expires when the last one did, is saved", async () => {
  await using scene = new Scene();
  scene.obtain();
  scene.write("certificates/site.pem", scene.serves.pem);
  const serving = await scene.generation();
  scene.serves = scene.authority.issue({ until: scene.expires });
  await scene.follow(serving);
  await scene.says(/is saved/);
  assert.ok(Deno.readTextFileSync(scene.pem).startsWith(scene.serves.certificate));
});

Deno.test("a certificate that expires when the last one did is saved once it can be", async () => {
  await using scene = new Scene();
  scene.obtain();
  scene.write("certificates/site.pem", scene.serves.pem);
  const serving = await scene.follow();
  scene.state = "Running";
  await scene.shows({ isRenewing: true });
  scene.keeper.observe(serving, true);
  scene.serves = scene.authority.issue({ until: scene.expires });
  scene.state = "Scheduled";
  await scene.isAskedTwice();
  assert.equal(scene.shown.at(-1)?.isRenewing, true);
  Deno.chmodSync(scene.at("certificates"), 0o777);
  scene.keeper.observe(serving, false);
  await scene.says(/^cannot save the certificate/);
  Deno.chmodSync(scene.at("certificates"), 0o700);
  await scene.says(/is saved/);
});

Deno.test("who asks before a reload is told of a renewal that has just begun", async () => {
  await using scene = new Scene({ pauses: { ...PAUSES, idleMs: 600_000 } });
  await scene.follow();
  await scene.shows({ isRenewing: false });
  await scene.keeper.askNow();
  assert.equal(scene.shown.at(-1)?.isRenewing, false);
  scene.state = "Running";
  await scene.keeper.askNow();
  assert.equal(scene.shown.at(-1)?.isRenewing, true);
  scene.obtain();
  await scene.says(/is saved/);
});

Deno.test("who asks right after the start is answered too", async () => {
  await using scene = new Scene({ pauses: { ...PAUSES, idleMs: 600_000 } });
  scene.state = "Running";
  await scene.follow();
  await scene.keeper.askNow();
  assert.equal(scene.shown.at(-1)?.isRenewing, true);
});

Deno.test("who asks while the certificates are locked is answered once they are not", async () => {
  await using scene = new Scene({ pauses: { ...PAUSES, idleMs: 600_000 } });
  await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.isLocked = true;
  scene.state = "Running";
  const asked = scene.keeper.askNow();
  await scene.isAskedTwice();
  scene.isLocked = false;
  await asked;
  assert.equal(scene.shown.at(-1)?.isRenewing, true);
});

Deno.test("a process that hangs is asked for a second, and one that obtains nothing not at all", async () => {
  await using scene = new Scene({ pauses: { ...PAUSES, idleMs: 600_000 } });
  assert.equal(scene.keeper.askNow(), null);
  const serving = await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.isHung = true;
  const startedMs = performance.now();
  await scene.keeper.askNow();
  const waitedMs = performance.now() - startedMs;
  assert.ok(waitedMs >= 900 && waitedMs < 3_000, `${waitedMs} ms`);
  scene.keeper.observe({ ...serving, number: 2, lastGood: {} }, false);
  assert.equal(scene.keeper.askNow(), null);
});

Deno.test("two certificates for one file: neither is saved, and a line names the other", async () => {
  await using scene = new Scene({ names: ["@web/site", "@web/other"] });
  await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.obtain();
  const { text } = await scene.says(/^cannot save the certificate/);
  assert.match(text, /: line 2 of "\/haproxy\.cfg" names that file or its key's too;/);
  await scene.isAskedTwice();
  assert.equal(isThere(scene.pem), false);
  assert.equal(scene.lines.length, 1);
});

Deno.test("a file that cannot be written has one line, and is tried again", async () => {
  await using scene = new Scene();
  Deno.chmodSync(scene.at("certificates"), 0o777);
  await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.obtain();
  const { level, text } = await scene.says(/^cannot save the certificate/);
  assert.equal(level, "error");
  assert.match(text, /others may write to .* below "\/run", "\/var\/lib\/haproxy" or "\/tmp"/);
  await waitFor("another try", () => scene.dumps >= 2);
  assert.equal(scene.lines.length, 1);
  Deno.chmodSync(scene.at("certificates"), 0o700);
  await scene.says(/is saved/);
});

Deno.test("a file that somebody else has replaced stays, with one line", async () => {
  await using scene = new Scene();
  await scene.follow();
  await scene.shows({ isRenewing: false });
  const other = scene.authority.issue();
  scene.write("certificates/site.pem", other.pem);
  scene.obtain();
  await scene.says(/is not saved in ".*site.pem": the file has changed since it was loaded$/);
  assert.equal(Deno.readTextFileSync(scene.pem), other.pem);
});

Deno.test("what was hot-applied is what the next certificate replaces", async () => {
  await using scene = new Scene();
  await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.write("certificates/site.pem", scene.authority.issue().pem);
  scene.keeper.observe(await scene.generation(), false);
  scene.obtain();
  await scene.says(/is saved/);
});

Deno.test("what was rejected is followed too", async () => {
  await using scene = new Scene();
  const bad = { content: "bad", modifiedMs: 0, stamp: "" };
  const rejected = await fingerprintOf(new Map([["/haproxy.cfg", bad]]));
  await scene.follow({ rejected });
  await scene.shows({ isRenewing: false });
  scene.obtain();
  await scene.says(/is saved/);
  assert.deepEqual(scene.changes.map(({ before }) => before === rejected), [false, true]);
  assert.deepEqual([...scene.changes[1]!.after.files.keys()], ["/haproxy.cfg", scene.pem]);
});

Deno.test("what was rejected with another certificate is not the same as with the saved one", async () => {
  await using scene = new Scene();
  const other = { content: "another", modifiedMs: 0, stamp: "" };
  const rejected = await fingerprintOf(new Map([[scene.pem, other]]));
  const { fingerprint } = await scene.follow({ rejected });
  await scene.shows({ isRenewing: false });
  scene.obtain();
  await scene.says(/is saved/);
  assert.deepEqual(scene.changes.map(({ before }) => before), [fingerprint]);
});

Deno.test("where scans do not include it, the fingerprint stays as it is", async () => {
  await using scene = new Scene({ watchLoaded: false });
  await scene.follow();
  await scene.shows({ isRenewing: false });
  scene.obtain();
  await scene.says(/is saved/);
  assert.deepEqual(scene.changes, []);
});

Deno.test("a generation from recorded files is not asked, nor one that no longer serves", async () => {
  await using scene = new Scene();
  await scene.follow({ number: 1, lastGood: {} });
  await scene.follow({ number: 2 });
  await scene.isAskedTwice();
  await scene.follow({ number: 3, lastGood: {} });
  scene.keeper.observe(null, false);
  await scene.follow({ number: 4 });
  await scene.isAskedTwice();
  assert.deepEqual([...scene.asked], [2, 4]);
});

Deno.test("a process whose certificates are locked for a moment is asked again", async () => {
  await using scene = new Scene();
  scene.isLocked = true;
  await scene.follow();
  await scene.isAskedTwice();
  assert.deepEqual(scene.shown, []);
  scene.isLocked = false;
  await scene.shows({ isRenewing: false });
});

Deno.test("an HAProxy that does not know ACME is asked once", async () => {
  await using scene = new Scene();
  const other = new ScriptedHaproxy(scene.at("2.sock"), () => "Unknown command: 'acme'\n");
  const keeper = new Keeper({
    watchLoaded: true,
    obtained: () => [{ name: "a", path: scene.pem, keyPath: null } as FileReference],
    socket: () => scene.at("2.sock"),
    onShown: () => assert.fail("nothing is shown"),
    onSaved: () => assert.fail("nothing is saved"),
    onBug: (bug) => assert.fail(String(bug)),
    log: () => assert.fail("nothing is logged"),
    pauses: PAUSES,
  });
  keeper.observe(await scene.generation(), false);
  await waitFor("a question", () => other.commands.length > 0);
  await scene.follow();
  await scene.isAskedTwice();
  assert.deepEqual(other.commands, ["acme status"]);
  keeper.close();
  await other[Symbol.asyncDispose]();
});
