import assert from "node:assert/strict";
import type { LogEntry } from "../../../lib/system/log.ts";
import { type ChangeDetector, detectChanges } from "../../../lib/watch/change_detector.ts";
import type { ScanResult } from "../../../lib/watch/scan/scan.ts";
import { WRITER_SILENCE_MS } from "../../../lib/watch/debounce.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { TempFolder } from "../../support/temp_folder.ts";

/** A look whose one file, `a.cfg`, has this content. */
function seenAs(folder: TempFolder, content: string, modifiedMs = 0): ScanResult["seen"] {
  const files = new Map([[folder.at("a.cfg"), { content, modifiedMs, stamp: content }]]);
  return { tag: "taken", fingerprint: { digest: content, files } };
}

/** Reads `a.cfg` in its folder, as if it were long there. */
const readFile = (folder: TempFolder) => () =>
  seenAs(folder, Deno.readTextFileSync(folder.at("a.cfg")));

interface WatchOptions {
  readonly pollIntervalMs?: number;
  readonly settleMs?: number;
  readonly see: (round: number) => ScanResult["seen"] | Promise<ScanResult["seen"]>;
  readonly isRelevant?: (path: string) => boolean;
  /** What is watched in place of the folder. */
  readonly directory?: string;
}

/** A detector over a folder, with what it looked at, said and logged. */
class Watch implements AsyncDisposable {
  scans = 0;
  /** What each look was at; `null`: everything. */
  readonly touched: (readonly string[] | null)[] = [];
  readonly changing: string[] = [];
  readonly settled: string[] = [];
  readonly logged: LogEntry[] = [];
  readonly bugs: string[] = [];
  readonly detector: ChangeDetector;
  readonly #probe = new TempFolder();

  constructor(folder: TempFolder, options: WatchOptions) {
    const { pollIntervalMs = 0, settleMs = 10, see } = options;
    const { isRelevant = () => true, directory = folder.path } = options;
    const directories = new Set([directory]);
    const isEntry = () => false;
    const inventory = { files: [], unreadable: [], unnamed: [], directories, isRelevant, isEntry };
    this.detector = detectChanges({
      scan: async (touched = null) => {
        // A look ahead is given what goes on being added to.
        this.touched.push(touched === null ? null : [...touched].sort());
        return { inventory, seen: await see(++this.scans) };
      },
      onChanging: ({ digest }) => this.changing.push(digest),
      onSettled: ({ digest }) => this.settled.push(digest),
      settleMs,
      pollIntervalMs,
      probeDirectory: () => this.#probe.path,
      mountedFiles: [],
      onBug: (error) => this.bugs.push(String(error)),
      log: (entry) => this.logged.push(entry),
    });
  }

  /** The watch is armed when the look that follows the arming is over. */
  async armed(): Promise<void> {
    await waitFor("the watch", () => this.settled.length >= 2);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.detector.close();
    await this.detector.ended;
    await this.#probe[Symbol.asyncDispose]();
  }
}

Deno.test("a detector scans at once, and once more when the watch is armed", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder) });
  await watch.armed();
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  assert.deepEqual(watch.settled, ["one", "one", "two"]);
});

Deno.test("several files that are written one after another lead to one look", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder), settleMs: 200 });
  await watch.armed();
  for (const name of ["b", "c", "d"]) folder.write(name);
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  folder.write("a.cfg", "three");
  await waitFor("the marker", () => watch.settled.includes("three"));
  assert.deepEqual(watch.settled, ["one", "one", "two", "three"]);
});

Deno.test("files that are touched while the first is looked at ahead lead to one look at all of them", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  const read = readFile(folder);
  const see = async (round: number) => {
    // The third look is the one ahead, after the two of the start.
    if (round === 3) {
      folder.write("b.cfg");
      // The event of that write comes within this time.
      await pause(50);
    }
    return read();
  };
  await using watch = new Watch(folder, { see, settleMs: 200 });
  await watch.armed();
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  // Longer than any look that was still to come would be put off.
  await pause(300);
  const [a, b] = [folder.at("a.cfg"), folder.at("b.cfg")];
  assert.deepEqual(watch.touched, [null, null, [a], [a, b]]);
  assert.deepEqual(watch.changing, ["two"]);
});

Deno.test("another's look in the same directories leads to none, one in others to a look at all", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder) });
  await watch.armed();
  const inventory = {
    ...{ files: [], unreadable: [], unnamed: [], isRelevant: () => true, isEntry: () => false },
    directories: new Set([folder.path]),
  };
  watch.detector.adapt(inventory);
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  assert.ok(watch.touched.slice(2).every((paths) => paths !== null));
  watch.detector.adapt({ ...inventory, directories: new Set([folder.path, "/"]) });
  await waitFor("the look at all", () => watch.touched.at(-1) === null);
});

Deno.test("what is on disk when a change begins is told ahead, once", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  // Long enough to be asked about it before it is over, on a busy machine too.
  await using watch = new Watch(folder, { see: readFile(folder), settleMs: 1_000 });
  await watch.armed();
  folder.write("a.cfg", "two");
  await waitFor("the beginning", () => watch.changing.length > 0);
  assert.ok(!watch.settled.includes("two"));
  folder.write("a.cfg", "three");
  await waitFor("the change", () => watch.settled.includes("three"));
  assert.deepEqual(watch.changing, ["two"]);
});

Deno.test("nothing of a file that its writer holds open is settled", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder) });
  await watch.armed();
  using writer = Deno.openSync(folder.at("a.cfg"), { write: true, truncate: true });
  writer.writeSync(new TextEncoder().encode("half"));
  await pause(100);
  writer.writeSync(new TextEncoder().encode(" and half"));
  writer.close();
  await waitFor("the whole file", () => watch.settled.includes("half and half"));
  assert.deepEqual(watch.settled, ["one", "one", "half and half"]);
});

Deno.test("a writer that goes silent without a close is waited for only so long", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder) });
  await watch.armed();
  using writer = Deno.openSync(folder.at("a.cfg"), { write: true, truncate: true });
  const startedMs = performance.now();
  writer.writeSync(new TextEncoder().encode("two"));
  await waitFor("the change", () => watch.settled.includes("two"));
  assert.ok(performance.now() - startedMs >= WRITER_SILENCE_MS);
});

Deno.test("a file that replaces another by a rename is seen", async () => {
  await using folder = new TempFolder();
  await using elsewhere = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder) });
  await watch.armed();
  Deno.renameSync(elsewhere.write("new", "two"), folder.at("a.cfg"));
  await waitFor("the change", () => watch.settled.includes("two"));
});

Deno.test("a change of what is not relevant leads to no look", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  const isRelevant = (path: string) => path === folder.at("a.cfg");
  await using watch = new Watch(folder, { see: readFile(folder), isRelevant });
  await watch.armed();
  folder.write("b.cfg");
  await pause(100);
  folder.write("a.cfg", "two");
  await waitFor("the marker", () => watch.settled.includes("two"));
  // Two for the start, and for the marker one ahead and one when it has settled.
  assert.equal(watch.scans, 4);
});

Deno.test("the poll scans without any event", async () => {
  await using folder = new TempFolder();
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) => seenAs(folder, `${round}`),
  });
  await waitFor("the fifth look", () => watch.settled.includes("5"));
  assert.deepEqual(watch.settled.slice(0, 5), ["1", "2", "3", "4", "5"]);
});

Deno.test("a look can be asked for", async () => {
  await using folder = new TempFolder();
  await using watch = new Watch(folder, { see: (round) => seenAs(folder, `${round}`) });
  await watch.armed();
  watch.detector.scanSoon();
  await waitFor("the third look", () => watch.settled.includes("3"));
  assert.deepEqual(watch.settled, ["1", "2", "3"]);
});

Deno.test("what changed just now without an event is looked at once more, when it is older", async () => {
  await using folder = new TempFolder();
  const modifiedMs = Date.now();
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) => round === 1 ? seenAs(folder, "old") : seenAs(folder, "young", modifiedMs),
  });
  await waitFor("the change", () => watch.settled.includes("young"));
  assert.ok(Date.now() - modifiedMs >= WRITER_SILENCE_MS);
});

Deno.test("what goes on changing without an event is not settled before it is old enough", async () => {
  await using folder = new TempFolder();
  const contents = ["old", "half", "more"].map((text) => ({ text, firstSeenMs: 0 }));
  const see = (round: number) => {
    const seen = contents[Math.min(round, contents.length) - 1]!;
    seen.firstSeenMs ||= Date.now();
    return seenAs(folder, seen.text, seen.firstSeenMs);
  };
  await using watch = new Watch(folder, { pollIntervalMs: 50, see });
  await waitFor("the change", () => watch.settled.includes("more"));
  assert.ok(Date.now() - contents[2]!.firstSeenMs >= WRITER_SILENCE_MS);
  assert.ok(!watch.settled.includes("half"), watch.settled.join());
});

Deno.test("a look during which a file is written is worth nothing", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  const read = readFile(folder);
  const see = async (round: number) => {
    const seen = read();
    // The third look is the one ahead, of which nothing is concluded.
    if (round !== 4) return seen;
    folder.write("a.cfg", "whole");
    // The event of that write comes within this time.
    await pause(200);
    return seen;
  };
  await using watch = new Watch(folder, { see });
  await watch.armed();
  folder.write("a.cfg", "half");
  await waitFor("the whole file", () => watch.settled.includes("whole"));
  assert.deepEqual(watch.settled, ["one", "one", "whole"]);
});

Deno.test("a change whose time lies in the future is not waited for", async () => {
  await using folder = new TempFolder();
  const future = Date.now() + 3_600_000;
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) => round === 1 ? seenAs(folder, "old") : seenAs(folder, "future", future),
  });
  await waitFor("the change", () => watch.settled[1] === "future");
});

Deno.test("sources that cannot be read settle nothing, and are told once, and when it is over", async () => {
  await using folder = new TempFolder();
  const unreadable = [{ path: "/a", reason: "gone" }, { path: "/b", reason: "locked" }];
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) =>
      round === 2 || round === 3 ? { tag: "unreadable", unreadable } : seenAs(folder, `${round}`),
  });
  await waitFor("a later look", () => watch.settled.includes("5"));
  assert.deepEqual(watch.settled.slice(0, 3), ["1", "4", "5"]);
  assert.deepEqual(watch.logged.map(({ level, text }) => `${level}: ${text}`), [
    'warning: cannot read "/a": gone, "/b": locked; nothing is reloaded until that can be read again',
    "info: all sources can be read again",
  ]);
});

Deno.test("where nothing can be watched that is told once, and the poll goes on", async () => {
  await using folder = new TempFolder();
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) => seenAs(folder, `${round}`),
    directory: folder.at("x".repeat(300)),
  });
  await waitFor("the fifth look", () => watch.settled.includes("5"));
  assert.equal(watch.logged.length, 1);
  assert.match(watch.logged[0]!.text, /^cannot watch for file events: found "File name too long/);
});

Deno.test("a directory that was removed and made again is watched anew", async () => {
  await using folder = new TempFolder();
  const contentOf = (path: string) => {
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return "missing";
    }
  };
  folder.write("d/a.cfg", "one");
  await using watch = new Watch(folder, {
    see: () => seenAs(folder, contentOf(folder.at("d/a.cfg"))),
    directory: folder.at("d"),
  });
  await watch.armed();
  Deno.removeSync(folder.at("d"), { recursive: true });
  Deno.mkdirSync(folder.at("d"));
  await waitFor("the removal", () => watch.settled.includes("missing"));
  for (const content of ["two", "three"]) {
    folder.write("d/a.cfg", content);
    await waitFor("the change", () => watch.settled.includes(content));
  }
});

Deno.test("closing wakes a detector that waits for ever", async () => {
  await using folder = new TempFolder();
  const watch = new Watch(folder, { see: (round) => seenAs(folder, `${round}`) });
  await watch.armed();
  watch.detector.close();
  await watch.detector.ended;
  assert.deepEqual(watch.settled, ["1", "2"]);
});

Deno.test("after a look that throws the bug is told, and the detector goes on with the watch it has", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, {
    see: (round) => {
      if (round === 3) throw new TypeError("a bug");
      return readFile(folder)();
    },
  });
  await watch.armed();
  folder.write("a.cfg", "two");
  await waitFor("the bug", () => watch.bugs.length > 0);
  folder.write("a.cfg", "three");
  await waitFor("the change", () => watch.settled.includes("three"));
  folder.write("a.cfg", "four");
  await waitFor("the next change", () => watch.settled.includes("four"));
  assert.deepEqual(watch.bugs, ["TypeError: a bug"]);
  assert.equal(watch.touched[3], null);
});

Deno.test("a detector whose every look throws can be closed, and rests between them", async () => {
  await using folder = new TempFolder();
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: () => {
      throw new TypeError("a bug");
    },
  });
  await waitFor("the second bug", () => watch.bugs.length === 2);
  assert.equal(watch.scans, 2);
});
