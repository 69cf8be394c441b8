/** What the configuration can turn into instead of another configuration. */
import { join } from "@std/path";
import { command } from "../world/command.ts";
import type { Expectation, Fault } from "../fault.ts";
import type { World } from "../world/world.ts";

const NO_LISTENER: Expectation = { tag: "rejected", reason: /haproxy opened no listener/ };
const ERROR: Expectation = { tag: "rejected", reason: /haproxy exited with 1 before it was ready/ };

const awaited = (reason: string): Expectation => ({
  tag: "awaited",
  line: new RegExp(`cannot read .*${reason}.*; until that can be read again`),
});

const spoilt = (
  name: string,
  expects: Expectation,
  spoil: (world: World) => Promise<unknown>,
): Fault => ({
  name: `the configuration is ${name}`,
  expects,
  inject: async (world) => void await spoil(world),
  async heal(world) {
    await Deno.remove(world.configuration, { recursive: true }).catch(() => {});
    await world.change();
  },
});

const written = (name: string, expects: Expectation, make: (whole: string) => string): Fault =>
  spoilt(name, expects, (world) => world.replace(make(world.nextPage())));

const inItsPlace = (
  name: string,
  expects: Expectation,
  make: (path: string) => Promise<unknown>,
): Fault =>
  spoilt(name, expects, async (world) => {
    await Deno.remove(world.configuration);
    await make(world.configuration);
  });

export const CONFIGURATION_FAULTS = (): readonly Fault[] => [
  written("empty", NO_LISTENER, () => ""),
  written("nothing but comments", NO_LISTENER, () => "# to be done\n"),
  written("cut in the middle", ERROR, (whole) => whole.slice(0, whole.indexOf("http-request") + 9)),
  written("cut before its last line's end", ERROR, (whole) => whole.trimEnd()),
  written("bytes of something else", ERROR, (whole) => `\0\x01\xff${whole.replaceAll("\n", "\0")}`),
  spoilt("emptied in place", NO_LISTENER, (world) => Deno.truncate(world.configuration)),
  inItsPlace("a directory", NO_LISTENER, (path) => Deno.mkdir(path)),
  inItsPlace(
    "a FIFO",
    awaited("neither a file nor a directory"),
    (path) => command("mkfifo", path),
  ),
  inItsPlace("a dangling link", awaited("No such file"), (path) => Deno.symlink("nowhere", path)),
  inItsPlace(
    "a link to itself",
    awaited("too many symbolic links"),
    (path) => Deno.symlink(path, path),
  ),
  inItsPlace("removed", awaited("No such file"), () => Promise.resolve()),
  parsingHangs(),
  dated("a day in the future", 86_400_000),
  dated("half a century in the past", -1_600_000_000_000),
];

/** As by a machine whose clock was wrong. */
function dated(when: string, offsetMs: number): Fault {
  return {
    name: `the configuration is from ${when}`,
    expects: { tag: "served" },
    async inject(world) {
      const path = world.at("dated");
      const time = new Date(Date.now() + offsetMs);
      await Deno.writeTextFile(path, world.nextPage());
      await Deno.utime(path, time, time);
      await Deno.rename(path, world.configuration);
    },
  };
}

/** HAProxy waits for a writer of the FIFO while it parses its configuration. */
function parsingHangs(): Fault {
  return {
    name: "parsing the configuration hangs",
    expects: { tag: "rejected", reason: /haproxy did not serve within/ },
    async inject(world) {
      const fifo = join(world.path, "other", "error.http");
      await command("mkdir", "-p", world.at("other"));
      await command("mkfifo", fifo).catch(() => {});
      await world.change(`backend hangs\n    mode http\n    errorfile 503 ${fifo}\n`);
    },
    heal: (world) => world.change(""),
  };
}
