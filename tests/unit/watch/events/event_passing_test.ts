import assert from "node:assert/strict";
import {
  type EventPassingOptions,
  type Hint,
  passEvents,
} from "../../../../lib/watch/events/event_passing.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pause, waitFor } from "../../../support/wait.ts";

/** What was passed on. */
class Passed {
  readonly hints: Hint[] = [];
  readonly lost: string[] = [];
  readonly bugs: string[] = [];

  options(more: Partial<EventPassingOptions> = {}): EventPassingOptions {
    return {
      isRelevant: () => true,
      onHint: (hint) => this.hints.push(hint),
      onBug: (error) => this.bugs.push(String(error)),
      onEvent: () => {},
      loss: {
        report: (error) => Promise.resolve(void this.lost.push(String(error))),
        rescanSoon: () => this.lost.push("perhaps"),
      },
      ...more,
    };
  }

  get paths(): string[] {
    return this.hints.flatMap((hint) => hint.tag === "lost" ? [] : [hint.path]);
  }
}

/** What a watcher yields or throws. */
function watcherOf(items: readonly (Deno.FsEvent | Error)[]): Deno.FsWatcher {
  const rest = [...items];
  const next = () => {
    const item = rest.shift();
    if (item instanceof Error) return Promise.reject(item);
    return Promise.resolve({ value: item, done: item === undefined });
  };
  return { [Symbol.asyncIterator]: () => ({ next }) } as unknown as Deno.FsWatcher;
}

const event = (path: string): Deno.FsEvent => ({ kind: "access", paths: [path] });

Deno.test("events after an error are passed on, until the watcher is closed", async () => {
  const passed = new Passed();
  const errors = [new TypeError("UTF-8"), new Error("I/O")];
  const events: (readonly string[] | null)[] = [];
  const onEvent = (event: Deno.FsEvent | null) => events.push(event?.paths ?? null);
  await passEvents(watcherOf([event("/a"), ...errors, event("/b")]), passed.options({ onEvent }));
  assert.deepEqual(events, [["/a"], null, null, ["/b"]]);
  assert.deepEqual(passed.paths, ["/a", "/b"]);
  assert.deepEqual(passed.lost, ["TypeError: UTF-8", "Error: I/O"]);
});

Deno.test("a bug in one event is reported, and the next event is passed on", async () => {
  const passed = new Passed();
  const isRelevant = (path: string) => {
    if (path === "/a") throw new TypeError("a bug");
    return true;
  };
  await passEvents(watcherOf([event("/a"), event("/b")]), passed.options({ isRelevant }));
  assert.deepEqual([passed.bugs, passed.paths], [["TypeError: a bug"], ["/b"]]);
});

Deno.test("after thousands of events without a pause, others may be lost", async () => {
  for (const [pauseMs, losses] of [[0, 2], [300, 1]] as const) {
    const passed = new Passed();
    const many = Array.from({ length: 2_000 }, () => event("/a"));
    const events = async function* () {
      yield* many;
      yield* many.slice(1);
      await pause(pauseMs);
      yield event("/a");
    };
    await passEvents(events() as unknown as Deno.FsWatcher, passed.options());
    assert.equal(passed.lost.length, losses);
  }
});

Deno.test("Deno's watcher survives names that are not UTF-8, and shows a file renamed from or to one", async () => {
  await using folder = new TempFolder();
  const passed = new Passed();
  const watcher = Deno.watchFs(folder.path, { recursive: false });
  const ended = passEvents(watcher, passed.options());
  await run(folder, 'for i in 1 2 3; do : > "$(printf "\\377$i")"; done; : > a');
  await waitFor("the event of a proper name", () => passed.paths.includes(folder.at("a")));
  assert.ok(passed.lost.length >= 3, passed.lost.join("\n"));
  await run(folder, 'mv a "$(printf "\\376")"; : > b');
  await waitFor("the event of the next", () => passed.paths.includes(folder.at("b")));
  assert.ok(passed.hints.some((hint) => hint.tag === "settled" && hint.path === folder.at("a")));
  const { length } = passed.hints;
  await run(folder, 'mv "$(printf "\\376")" b; : > c');
  await waitFor("the event of the last", () => passed.paths.includes(folder.at("c")));
  const after = passed.hints.slice(length);
  assert.ok(after.some((hint) => hint.tag === "settled" && hint.path === folder.at("b")));
  watcher.close();
  await ended;
});

async function run({ path }: TempFolder, script: string): Promise<void> {
  await new Deno.Command("sh", { args: ["-c", script], cwd: path }).output();
}
