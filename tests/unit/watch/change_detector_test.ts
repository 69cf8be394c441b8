import assert from "node:assert/strict";
import type { LogEntry } from "../../../lib/system/log.ts";
import { ChangeDetector } from "../../../lib/watch/change_detector.ts";
import type { Inventory } from "../../../lib/watch/scan/inventory.ts";
import type { ScanResult } from "../../../lib/watch/scan/scan.ts";
import { WRITER_SILENCE_MS } from "../../../lib/watch/debounce.ts";
import { watches } from "../../support/machine/processes.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

/** A scan whose one file, `a.cfg`, has this content. */
function seenAs(folder: TempFolder, content: string, modifiedMs = 0): ScanResult["seen"] {
  const files = new Map([[folder.at("a.cfg"), { content, modifiedMs, stamp: content }]]);
  return { tag: "taken", fingerprint: { digest: content, files } };
}

/** Reads `a.cfg` in its folder, as if it were old. */
const readFile = (folder: TempFolder) => () =>
  seenAs(folder, Deno.readTextFileSync(folder.at("a.cfg")));

/** A directory to watch, in which every visible file counts, or only the `relevant` one. */
const inventoryOf = (directory: string, relevant?: string): Inventory => ({
  files: [],
  unreadable: [],
  unnamed: [],
  directories: new Set([directory]),
  entries: new Set(relevant === undefined ? [] : [relevant]),
  listed: new Set(relevant === undefined ? [directory] : []),
});

interface WatchOptions {
  readonly pollIntervalMs?: number;
  readonly settleMs?: number;
  readonly see: (round: number) => ScanResult["seen"] | Promise<ScanResult["seen"]>;
  /** In place of everything in the folder. */
  readonly relevant?: string;
  /** Watched in place of the folder. */
  readonly directory?: string;
  /** Watched after it. */
  readonly others?: readonly string[];
  readonly areCoresWanted?: boolean;
}

/** A detector for a folder, with what it scanned, reported and logged. */
class Watch implements AsyncDisposable {
  scans = 0;
  /** The scope of each scan; `null`: everything. */
  readonly touched: (readonly string[] | null)[] = [];
  readonly changing: string[] = [];
  readonly settled: string[] = [];
  readonly logged: LogEntry[] = [];
  readonly bugs: string[] = [];
  readonly watched: string[] = [];
  readonly detector: ChangeDetector;
  readonly #probe = new TempFolder();

  constructor(folder: TempFolder, options: WatchOptions) {
    const { pollIntervalMs = 0, settleMs = 10, see, others = [] } = options;
    const only = inventoryOf(options.directory ?? folder.path, options.relevant);
    const inventory = { ...only, directories: new Set([...only.directories, ...others]) };
    this.detector = new ChangeDetector({
      scan: async (touched = null) => {
        // The set passed to a scan ahead keeps growing.
        this.touched.push(touched === null ? null : [...touched].sort());
        const seen = await see(++this.scans);
        return { inventory, seen, references: [], dueInMs: Infinity };
      },
      onChanging: ({ digest }) => this.changing.push(digest),
      onSettled: ({ digest }) => this.settled.push(digest),
      onWatched: (directories) => this.watched.push(...directories),
      settleMs,
      pollIntervalMs,
      probeDirectory: () => this.#probe.path,
      areCoresWanted: () => options.areCoresWanted ?? false,
      mountedFiles: [],
      onBug: (error) => this.bugs.push(String(error)),
      log: (entry) => this.logged.push(entry),
    });
  }

  /** The watch is armed when the scan that follows the arming is over. */
  async armed(): Promise<void> {
    await waitFor("the watch", () => this.settled.length >= 2);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.detector.close();
    await this.detector.ended;
    await this.#probe[Symbol.asyncDispose]();
  }
}

Deno.test("a detector scans at once, and again when the watch is armed", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder) });
  await watch.armed();
  assert.deepEqual(watch.watched, [folder.path]);
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  assert.deepEqual(watch.settled, ["one", "one", "two"]);
});

Deno.test("while many directories are about to be watched, a change in one that is does not wait", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  const others = Array.from({ length: 40 }, (_, number) => folder.at(`${number}`));
  others.forEach((path) => Deno.mkdirSync(path));
  const relevant = folder.at("a.cfg");
  // So each directory takes 50 ms.
  const busy = { areCoresWanted: true, others, relevant };
  await using watch = new Watch(folder, { see: readFile(folder), ...busy });
  await waitFor("the first directory", () => watches(Deno.pid, folder.path));
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  assert.ok(watch.watched.length < others.length / 2, `${watch.watched}`);
  await waitFor("all directories", () => watch.watched.length > others.length);
  assert.deepEqual(watch.watched, [folder.path, ...others]);
});

Deno.test("a change that a scan finds before its event comes is told before it has settled", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  let isYoung = false;
  const see = () => isYoung ? seenAs(folder, "two", Date.now()) : readFile(folder)();
  await using watch = new Watch(folder, { see });
  await watch.armed();
  isYoung = true;
  const { scans } = watch;
  watch.detector.scanSoon();
  await waitFor("the scan", () => watch.scans > scans);
  assert.deepEqual(watch.changing, []);
  isYoung = false;
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  assert.deepEqual(watch.changing, ["two"]);
});

Deno.test("files touched during the scan ahead lead to one scan of all of them", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  const read = readFile(folder);
  const see = async (round: number) => {
    // The third scan is the one ahead, after the two of the start.
    if (round === 3) {
      folder.write("b.cfg");
      // The event of this write comes within this time.
      await pause(50);
    }
    return read();
  };
  await using watch = new Watch(folder, { see, settleMs: 200 });
  await watch.armed();
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  // Longer than any outstanding scan would be postponed.
  await pause(300);
  const [a, b] = [folder.at("a.cfg"), folder.at("b.cfg")];
  assert.deepEqual(watch.touched, [null, null, [a], [a, b]]);
  assert.deepEqual(watch.changing, ["two"]);
});

Deno.test("adopting an inventory of the same directories leads to no scan, one of others to a full scan", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder) });
  await watch.armed();
  const inventory = inventoryOf(folder.path);
  watch.detector.adapt(inventory);
  folder.write("a.cfg", "two");
  await waitFor("the change", () => watch.settled.includes("two"));
  assert.ok(watch.touched.slice(2).every((paths) => paths !== null));
  watch.detector.adapt({ ...inventory, directories: new Set([folder.path, "/"]) });
  await waitFor("the scan of everything", () => watch.touched.at(-1) === null);
});

Deno.test("an irrelevant change leads to no scan", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder), relevant: folder.at("a.cfg") });
  await watch.armed();
  folder.write("b.cfg");
  await pause(100);
  folder.write("a.cfg", "two");
  await waitFor("the marker", () => watch.settled.includes("two"));
  const a = folder.at("a.cfg");
  assert.ok(watch.touched.slice(2).every((paths) => `${paths}` === a), `${watch.touched}`);
});

Deno.test("if nothing is heard after the scan ahead, there is no other", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  await using watch = new Watch(folder, { see: readFile(folder), settleMs: 100 });
  await watch.armed();
  // The only change that gives a single event.
  Deno.mkdirSync(folder.at("b.cfg"));
  await waitFor("the change", () => watch.settled.length >= 3);
  await pause(300);
  assert.deepEqual(watch.touched, [null, null, [folder.at("b.cfg")]]);
  assert.deepEqual(watch.settled, ["one", "one", "one"]);
});

Deno.test("the poll scans without any event", async () => {
  await using folder = new TempFolder();
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) => seenAs(folder, `${round}`),
  });
  await waitFor("the fifth scan", () => watch.settled.includes("5"));
  assert.deepEqual(watch.settled.slice(0, 5), ["1", "2", "3", "4", "5"]);
});

Deno.test("a file that changes without events settles only once it is old enough", async () => {
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

Deno.test("a scan during which a file is written is discarded", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg", "one");
  const read = readFile(folder);
  const see = async (round: number) => {
    const seen = read();
    // The third scan is the one ahead, and the fourth is due to what is written meanwhile.
    if (round !== 3 && round !== 4) return seen;
    folder.write("a.cfg", round === 3 ? "more" : "whole");
    // The event of this write comes within this time.
    await pause(200);
    return seen;
  };
  await using watch = new Watch(folder, { see });
  await watch.armed();
  folder.write("a.cfg", "half");
  await waitFor("the whole file", () => watch.settled.includes("whole"));
  assert.deepEqual(watch.settled, ["one", "one", "whole"]);
});

Deno.test("it does not wait for a file from the future", async () => {
  await using folder = new TempFolder();
  const future = Date.now() + 3_600_000;
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) => round === 1 ? seenAs(folder, "old") : seenAs(folder, "future", future),
  });
  await waitFor("the change", () => watch.settled[1] === "future");
});

Deno.test("unreadable sources settle nothing; the log says so once, and when it is over", async () => {
  await using folder = new TempFolder();
  const unreadable = [{ path: "/a", reason: "gone" }, { path: "/b", reason: "locked" }];
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) =>
      round === 2 || round === 3 ? { tag: "unreadable", unreadable } : seenAs(folder, `${round}`),
  });
  await waitFor("a later scan", () => watch.settled.includes("5"));
  assert.deepEqual(watch.settled.slice(0, 3), ["1", "4", "5"]);
  assert.deepEqual(watch.logged.map(({ level, text }) => `${level}: ${text}`), [
    'warning: cannot read "/a": gone, "/b": locked; until that can be read again, only a signal reloads',
    "info: all sources can be read again",
  ]);
});

Deno.test("if nothing can be watched, the log says so once, and the poll continues", async () => {
  await using folder = new TempFolder();
  await using watch = new Watch(folder, {
    pollIntervalMs: 1,
    see: (round) => seenAs(folder, `${round}`),
    directory: folder.at("x".repeat(300)),
  });
  await waitFor("the fifth scan", () => watch.settled.includes("5"));
  assert.equal(watch.logged.length, 1);
  assert.match(watch.logged[0]!.text, /^cannot watch for file events: found "File name too long/);
});

Deno.test("closing wakes a detector that waits without a limit", async () => {
  await using folder = new TempFolder();
  const watch = new Watch(folder, { see: (round) => seenAs(folder, `${round}`) });
  await watch.armed();
  watch.detector.close();
  await watch.detector.ended;
  assert.deepEqual(watch.settled, ["1", "2"]);
});

Deno.test("if a scan throws, the bug is reported and the detector keeps its watch", async () => {
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

Deno.test("a detector whose every scan throws pauses between scans, and can be closed", async () => {
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
