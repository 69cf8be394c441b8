import assert from "node:assert/strict";
import { hotApply, type HotApplyOutcome } from "../../../lib/hot_apply/hot_apply.ts";
import { MOST_HOT_BYTES } from "../../../lib/hot_apply/kinds/target_kind.ts";
import type { Target } from "../../../lib/loaded/targets.ts";
import { sha256 } from "../../../lib/system/files/contents.ts";
import { type Fingerprint, fingerprintOf } from "../../../lib/watch/scan/fingerprint.ts";
import { Authority, DAY_MS, later } from "../../support/certificates.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { ScriptedHaproxy } from "../../support/haproxy/scripted_haproxy.ts";

/** The fingerprint of files with these texts. */
async function holding(texts: Readonly<Record<string, string>>): Promise<Fingerprint> {
  const files = new Map();
  for (const [path, text] of Object.entries(texts)) {
    const content = await sha256(new TextEncoder().encode(text));
    files.set(path, { content, modifiedMs: 0, stamp: "" });
  }
  return await fingerprintOf(files);
}

const map = (path: string, id = 0): Target => ({ tag: "map", path, id });
const certificate = (
  path: string,
  { keyPath = `${path}.key`, isMember = false } = {},
): Target => ({ tag: "certificate", path, name: path, keyPath, isMember });

interface Situation {
  readonly changed: readonly Target[];
  /** What the files held when the generation read them, and at the scan. */
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
  readonly apply?: boolean;
  readonly isPart?: boolean;
  readonly cancel?: AbortSignal;
}

/** Applies to a process that gives `answer`, and records the commands. */
async function apply(
  { changed, apply: isApplied = true, isPart = false, ...situation }: Situation,
  answer: (command: string) => string = mapAnswers(),
): Promise<[outcome: HotApplyOutcome | null, commands: readonly string[]]> {
  await using folder = new TempFolder();
  const socket = folder.at("socket");
  await using haproxy = new ScriptedHaproxy(socket, answer);
  const { cancel = new AbortController().signal } = situation;
  const [before, after] = [await holding(situation.before), await holding(situation.after)];
  const request = { changed, before, after, isPart };
  return [
    await hotApply(request, { socket, apply: isApplied, configuration: () => [] }, cancel),
    haproxy.commands,
  ];
}

/** The outcome without durations. */
async function shown(situation: Situation, answer = mapAnswers()) {
  const [outcome] = await apply(situation, answer);
  assert.ok(outcome !== null);
  const { applied, refused, next, fingerprint } = outcome;
  return {
    applied: applied.map(({ target, detail }) => `${target.path}: ${detail}`),
    refused: refused.map(({ target, reason, awaited }) =>
      `${target.path} ${reason}, awaits ${awaited}`
    ),
    next,
    fingerprint,
  };
}

/** A process that takes each entry of its maps and ACLs, except what `refuses` matches. */
function mapAnswers(refuses = /(?!)/): (command: string) => string {
  let entries = "";
  return (command) => {
    const [line, ...lines] = command.trimEnd().split("\n");
    if (refuses.test(line!)) return "no\n";
    if (line!.startsWith("prepare")) return "New version created: 1\n";
    if (line!.startsWith("add")) entries = lines.map((entry) => `0x1 ${entry}\n`).join("");
    return line!.startsWith("show") ? entries : "\n";
  };
}

Deno.test("files are applied one by one, and then belong to the fingerprint", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a", "x 1\n"), folder.write("b", "y 1\nz 2\n")];
  const after = { [a]: "x 1\n", [b]: "y 1\nz 2\n", "/same": "1" };
  const situation = { changed: [map(a, 1), map(b, 2)], before: { ...after, [a]: "", [b]: "" } };
  assert.deepEqual(await shown({ ...situation, after }), {
    applied: [`${a}: 1 entry`, `${b}: 2 entries`],
    refused: [],
    next: { tag: "nothing" },
    fingerprint: await holding(after),
  });
  const [, commands] = await apply({ ...situation, after });
  assert.deepEqual(commands.map((command) => command.split("\n")[0]), [
    ...["prepare map #1", "add map @1 #1 <<", "show map @1 #1", "commit map @1 #1", "show map #1"],
    ...["prepare map #2", "add map @1 #2 <<", "show map @1 #2", "commit map @1 #2", "show map #2"],
  ]);
});

Deno.test("if all is applied, the fingerprint is that of the scan, in its order", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a", "x 1\n");
  const situation = { changed: [map(path)], before: { [path]: "", "/same": "1" } };
  const after = { "/same": "1", [path]: "x 1\n" };
  const { fingerprint } = await shown({ ...situation, after });
  assert.equal(fingerprint.digest, (await holding(after)).digest);
});

Deno.test("a file that differs from its scan leads to another scan", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a", "new"), folder.at("b")];
  for (const path of [a, b]) {
    const [before, after] = [{ [path]: "old" }, { [path]: "scanned" }];
    const [outcome, commands] = await apply({ changed: [map(path)], before, after });
    assert.deepEqual(outcome?.next, { tag: "scan" });
    assert.deepEqual(outcome?.fingerprint, await holding(before));
    assert.deepEqual(commands, []);
  }
});

Deno.test("a file that the wrapper may not read requires a reload, not another scan", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a");
  const mark = { content: "unreadable 1", modifiedMs: 0, stamp: "1" };
  const after = await fingerprintOf(new Map([[path, mark]]));
  const outcome = await hotApply(
    { changed: [map(path)], before: await holding({}), after, isPart: false },
    { socket: folder.at("nobody"), apply: true, configuration: () => [] },
    new AbortController().signal,
  );
  const reason = `"${path}": the wrapper may not read it`;
  assert.deepEqual(outcome?.next, { tag: "reload", reason });
});

for (
  const [what, refuses] of [["not all targets have", /map #2/], [
    "nobody confirms",
    /commit/,
  ]] as const
) {
  Deno.test(`a file whose new content ${what} is equal to nothing on disk`, async () => {
    await using folder = new TempFolder();
    const path = folder.write("a", "x 1\n");
    const [before, after] = [{ [path]: "" }, { [path]: "x 1\n" }];
    const situation = { changed: [map(path, 1), map(path, 2)], before, after };
    const { next, fingerprint } = await shown(situation, mapAnswers(refuses));
    assert.deepEqual(next, { tag: "reload", reason: `"${path}": HAProxy says "no"` });
    for (const texts of [before, after]) {
      assert.notEqual(fingerprint.digest, (await holding(texts)).digest);
    }
  });
}

Deno.test("a byte order mark is part of the first key, as it is for HAProxy", async () => {
  await using folder = new TempFolder();
  const text = "\ufeffx 1\n";
  const path = folder.write("a", text);
  const situation = { changed: [map(path)], before: {}, after: { [path]: text } };
  const [outcome, commands] = await apply(situation);
  assert.deepEqual(outcome?.next, { tag: "nothing" });
  assert.equal(commands[1], `add map @1 #0 <<\n${text}`);
});

Deno.test("applying stops at the first target that requires a reload, and the reason names its path", async () => {
  await using folder = new TempFolder();
  const paths = ["a", "b", "c"].map((name) => folder.write(name, "x 1\n"));
  const [a, b, c] = paths as [string, string, string];
  const [before, after] = ["", "x 1\n"].map((text) => ({ [a]: text, [b]: text, [c]: text }));
  const changed = [map(a, 1), map(b, 2), map(c, 3)];
  const situation = { changed, before: before!, after: after! };
  assert.deepEqual(await shown(situation, mapAnswers(/prepare map #2/)), {
    applied: [`${a}: 1 entry`],
    refused: [],
    next: { tag: "reload", reason: `"${b}": HAProxy says "no"` },
    fingerprint: await holding({ [a]: "x 1\n", [b]: "", [c]: "" }),
  });
  const [, commands] = await apply(situation, mapAnswers(/prepare map #2/));
  assert.ok(!commands.some((command) => command.includes("#3")));
});

Deno.test("a process that does not answer is left to a reload", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a", "x 1\n");
  const [before, after] = await Promise.all(["", "x 1\n"].map((text) => holding({ [path]: text })));
  const outcome = await hotApply(
    { changed: [map(path)], before: before!, after: after!, isPart: false },
    { socket: folder.at("nobody"), apply: true, configuration: () => [] },
    new AbortController().signal,
  );
  assert.deepEqual(outcome?.next, { tag: "reload", reason: `"${path}": HAProxy does not answer` });
  assert.deepEqual(outcome?.fingerprint, before);
});

Deno.test("a cancelled hot apply has no outcome and asks nothing more", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a", "x 1\n");
  const cancel = new AbortController();
  const situation = {
    changed: [map(path)],
    before: { [path]: "" },
    after: { [path]: "x 1\n" },
    cancel: cancel.signal,
  };
  const [outcome, commands] = await apply(situation, (command) => {
    if (command.startsWith("show")) cancel.abort();
    return mapAnswers()(command);
  });
  assert.equal(outcome, null);
  assert.deepEqual(commands.map((command) => command.split("\n")[0]), [
    ...["prepare map #0", "add map @1 #0 <<", "show map @1 #0"],
  ]);
  assert.deepEqual(await apply(situation), [null, []]);
});

Deno.test("the content of a removed file stays until the file returns", async () => {
  await using folder = new TempFolder();
  const path = folder.at("a");
  for (const target of [map(path), certificate(path)]) {
    const before = { [path]: "x 1\n", "/same": "1" };
    assert.deepEqual(await shown({ changed: [target], before, after: { "/same": "1" } }), {
      applied: [],
      refused: [`${path} is gone, awaits its return`],
      next: { tag: "nothing" },
      fingerprint: await holding(before),
    });
  }
});

Deno.test("a certificate removed from a directory requires a reload", async () => {
  await using folder = new TempFolder();
  const path = folder.at("a");
  const changed = [certificate(path, { isMember: true })];
  const { next, refused } = await shown({ changed, before: { [path]: "x" }, after: {} });
  assert.deepEqual([next, refused], [{ tag: "reload", reason: `"${path}": it was removed` }, []]);
});

Deno.test("a refused file does not delay the others", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a", ""), folder.write("b", "x 1\n")];
  const changed = [certificate(a), map(b)];
  const before = { [a]: "old", [b]: "" };
  const after = { [a]: "", [b]: "x 1\n" };
  assert.deepEqual(await shown({ changed, before, after }), {
    applied: [`${b}: 1 entry`],
    refused: [`${a} is empty, awaits a certificate`],
    next: { tag: "nothing" },
    fingerprint: await holding({ [a]: "old", [b]: "x 1\n" }),
  });
});

/** A process that takes every certificate, and shows one with that fingerprint. */
const certificateAnswers = (path: string, fingerprint: string) => (command: string) => {
  if (command.startsWith("set")) return `Transaction created for certificate ${path}!\n`;
  return command.startsWith("commit") ? "Success!\n" : `SHA1 FingerPrint: ${fingerprint}\n`;
};

async function sha1Of(pem: string): Promise<string> {
  const der = Uint8Array.fromBase64(pem.split("\n").slice(1, -2).join(""));
  return new Uint8Array(await crypto.subtle.digest("SHA-1", der)).toHex().toUpperCase();
}

Deno.test("if other files changed as well, a target that requires a reload does not stop the others", async () => {
  await using folder = new TempFolder();
  const { pem, certificate: text } = new Authority(folder.at("ca")).issue();
  const [gone, path] = [folder.at("a"), folder.write("b", pem)];
  const changed = [certificate(gone, { isMember: true }), certificate(path)];
  const [before, after] = [{ [gone]: "", [path]: "" }, { [path]: pem }];
  const answers = certificateAnswers(path, await sha1Of(text));
  const part = await apply({ changed, before, after, isPart: true }, answers);
  assert.deepEqual(part[0]?.applied.map(({ target }) => target.path), [path]);
  assert.deepEqual(part[0]?.next, { tag: "reload", reason: `"${gone}": it was removed` });
  assert.deepEqual(part[0]?.fingerprint, await holding({ [gone]: "", [path]: pem }));
  const [whole, commands] = await apply({ changed, before, after }, answers);
  assert.deepEqual(whole?.applied, []);
  assert.deepEqual(commands, []);
});

Deno.test("a certificate is applied with its key from the named file or the one beside it", async () => {
  await using folder = new TempFolder();
  const { certificate: text, key } = new Authority(folder.at("ca")).issue();
  const path = folder.write("a", text);
  for (const keyPath of [folder.write("keys/k", key), undefined]) {
    if (keyPath === undefined) folder.write("a.key", key);
    const [before, after] = [{ [path]: "" }, { [path]: text, [keyPath ?? `${path}.key`]: key }];
    const target = certificate(path, keyPath === undefined ? {} : { keyPath });
    const answers = certificateAnswers(path, await sha1Of(text));
    const [outcome, commands] = await apply({ changed: [target], before, after }, answers);
    assert.deepEqual(outcome?.next, { tag: "nothing" });
    assert.equal(commands[0], `set ssl cert ${path} <<\n${text}${key}`);
    assert.deepEqual(outcome?.fingerprint, await holding(after));
  }
});

Deno.test("a removed key file is forgotten if the certificate's own file holds a key", async () => {
  await using folder = new TempFolder();
  const { pem, certificate: text } = new Authority(folder.at("ca")).issue();
  const path = folder.write("a", pem);
  const [before, after] = [{ [path]: "", [`${path}.key`]: "" }, { [path]: pem }];
  const answers = certificateAnswers(path, await sha1Of(text));
  const [outcome] = await apply({ changed: [certificate(path)], before, after }, answers);
  assert.deepEqual(outcome?.fingerprint, await holding(after));
});

Deno.test("a key that the scan did not find is not taken", async () => {
  await using folder = new TempFolder();
  const { certificate: text, key } = new Authority(folder.at("ca")).issue();
  const path = folder.write("a", text);
  folder.write("a.key", key);
  const situation = { changed: [certificate(path)], before: {}, after: { [path]: text } };
  assert.deepEqual((await shown(situation)).refused, [
    `${path} has no private key, in it or beside it, awaits the key`,
  ]);
});

Deno.test("without hot apply all unusable certificates are reported, and HAProxy is not asked", async () => {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  const texts = {
    map: "x 1\n",
    acl: "x\n",
    ca_file: authority.certificate,
    crl_file: authority.crl(),
    certificate: authority.issue().pem,
  };
  const unfit = folder.write("unfit", "");
  for (const [tag, text] of Object.entries(texts)) {
    const path = folder.write("a", text);
    const first = { ...certificate(path), tag, id: 0 } as Target;
    const situation = { changed: [first, certificate(unfit)], before: {}, apply: false };
    const [outcome, commands] = await apply({
      ...situation,
      after: { [path]: text, [unfit]: "" },
    });
    assert.deepEqual(outcome?.next, { tag: "reload", reason: null });
    assert.equal(outcome?.refused.length, 1);
    assert.deepEqual(commands, []);
  }
});

Deno.test("the earliest time at which something becomes valid counts", async () => {
  await using folder = new TempFolder();
  const authority = new Authority(folder.at("ca"));
  const texts = [3, 1, 2].map((days) =>
    authority.issue({ from: later(days * DAY_MS), until: later(9 * DAY_MS) }).pem
  );
  const after = Object.fromEntries(
    texts.map((text, index) => [folder.write(String(index), text), text]),
  );
  const changed = Object.keys(after).map((path) => certificate(path));
  const [outcome] = await apply({ changed, before: {}, after });
  assert.equal(outcome?.refused.length, 3);
  assert.ok(outcome.fitInMs! > 0.9 * DAY_MS && outcome.fitInMs! <= DAY_MS);
});

Deno.test("a file with too many bytes requires a reload", async () => {
  await using folder = new TempFolder();
  const line = `key ${"x".repeat(1_000)}\n`;
  const text = line.repeat(Math.ceil(MOST_HOT_BYTES / line.length));
  const path = folder.write("map", text);
  const situation = { changed: [map(path)], before: { [path]: "" }, after: { [path]: text } };
  const [outcome, commands] = await apply(situation);
  assert.deepEqual(outcome?.next, { tag: "reload", reason: `"${path}": it has more than 2 MB` });
  assert.deepEqual(commands, []);
});

Deno.test("servers are planned from the files as they were scanned, and scanned again where they were not", async () => {
  const [before, after] = ["backend b\n server s1 10.0.0.1:80\n", "backend c\n"];
  const target: Target = {
    tag: "server",
    path: "/h",
    paths: ["/h"],
    texts: [before],
    environment: {},
    hot: new Map(),
    removed: [],
    doubtful: [],
  };
  const scanned = await holding({ "/h": after });
  const request = {
    changed: [target],
    before: await holding({ "/h": before }),
    after: scanned,
    isPart: false,
  };
  const next = async (digest: string) => {
    const outcome = await hotApply(request, {
      socket: "/nobody",
      apply: true,
      configuration: () => [{ path: "/h", text: after, digest }],
    }, new AbortController().signal);
    return outcome?.next;
  };
  assert.deepEqual(await next("another"), { tag: "scan" });
  assert.deepEqual(await next(scanned.files.get("/h")!.content), {
    tag: "reload",
    reason: '"/h": it differs in more than servers',
  });
});
