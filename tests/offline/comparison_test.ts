/**
 * Packages and stand-ins behave the same, where JSR can be reached. Inputs are random, from the seed in the test's
 * name; `SEED` in the environment repeats it, and `ROUNDS` makes it longer.
 */
import * as globs from "@std/fs/expand-glob";
import * as paths from "@std/path";
import assert from "node:assert/strict";
import { splitCommandLine } from "../../lib/settings/command_line.ts";
import { ACTIONS, OPTION_NAMES, OPTIONS } from "../../lib/settings/options.ts";
import { isMissing } from "../../lib/text/system_reason.ts";
import { GLOB_OPTIONS } from "../../lib/watch/directories/globs.ts";
import { createRandom, type Random } from "../support/random.ts";
import * as globsOffline from "./fs_expand_glob.ts";
import * as pathsOffline from "./path.ts";
import { asNobody } from "./nobody.ts";
import { RandomTree } from "./random_trees.ts";
import { type Need, testNeeding } from "../support/needs.ts";
import { HAS_STAND_INS } from "../support/wrapper/program.ts";

const seed = Number(Deno.env.get("SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const rounds = Number(Deno.env.get("ROUNDS") ?? 50);

const JSR: Need = { missing: HAS_STAND_INS ? "needs JSR" : null, isOptional: true };

function comparison(name: string, compare: (random: Random) => Promise<void>): void {
  const title = `${name} (SEED=${seed} ROUNDS=${rounds})`;
  testNeeding([JSR], title, () => compare(createRandom(seed)));
}

comparison("a glob stands for the same paths, or cannot be expanded", async (random) => {
  let matches = 0;
  for (let round = 0; round < rounds; round++) {
    await using tree = new RandomTree(random);
    for (let count = 0; count < 40; count++) {
      const glob = tree.glob();
      const found = await outcome(() => Array.fromAsync(globs.expandGlob(glob, GLOB_OPTIONS)));
      const offline = await outcome(() =>
        Array.fromAsync(globsOffline.expandGlob(glob, GLOB_OPTIONS))
      );
      assert.deepEqual(offline, found, glob);
      const limited = await asNobody(() =>
        outcome(() => [...globs.expandGlobSync(glob, GLOB_OPTIONS)])
      );
      const limitedOffline = asNobody(() =>
        outcome(() => [...globsOffline.expandGlobSync(glob, GLOB_OPTIONS)])
      );
      assert.deepEqual(await limitedOffline, limited, glob);
      if (Array.isArray(found) && found.length > 0) matches++;
    }
  }
  // About a third match: something is compared.
  assert.ok(matches > rounds * 4, `${matches} of ${rounds * 40} globs stand for something`);
});

/** The package may throw if nothing is there, which the program takes for no match. */
async function outcome(
  expand: () => Iterable<{ path: string }> | Promise<Iterable<{ path: string }>>,
): Promise<string[] | "fails"> {
  try {
    return [...await expand()].map(({ path }) => path).sort();
  } catch (error) {
    return isMissing(error) ? [] : "fails";
  }
}

comparison("a command line is split in the same way", async (random) => {
  const flags = [...OPTION_NAMES.map((name) => OPTIONS[name].flag), ...Object.keys(ACTIONS)];
  const values = "a true false 0 007 1e3 -1 --socket = a=b --watch=c é [a] __proto__ haproxy".split(
    " ",
  );
  const word = () => {
    const flag = `--${random.pick(flags)}`;
    const value = random.pick([...values, "\n", "a\nb", " ", ""]);
    return random.pick([
      flag,
      `${flag}=${value}`,
      `${flag}=${value}`,
      value,
      "-f",
      "--no-such",
      "--",
    ]);
  };
  const lines = Array.from(
    { length: rounds * 40 },
    () => Array.from({ length: random.below(8) }, word),
  );
  const offline = await splitOffline(lines);
  lines.forEach((words, index) => {
    assert.deepEqual(offline[index], JSON.parse(JSON.stringify(split(words))), words.join(" "));
  });
});

const split = (words: readonly string[]) => ({
  ...splitCommandLine(words),
  own: [...splitCommandLine(words).own],
});

/** With the program's own function and the stand-ins. */
async function splitOffline(lines: readonly (readonly string[])[]): Promise<unknown[]> {
  const at = (path: string) => import.meta.resolve(`../../${path}`);
  const script = `import { splitCommandLine } from "${at("lib/settings/command_line.ts")}";
    const lines = await new Response(Deno.stdin.readable).json();
    const split = (words) => ({ ...splitCommandLine(words), own: [...splitCommandLine(words).own] });
    console.log(JSON.stringify(lines.map(split)));`;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", `--import-map=${at("tests/offline/import_map.json")}`, script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([JSON.stringify(lines)]).stream().pipeTo(process.stdin);
  return JSON.parse(new TextDecoder().decode((await process.output()).stdout));
}

comparison("a path is taken apart and put together in the same way", async (random) => {
  await Promise.resolve();
  const parts = "a b.pem .. . / // ~ é .h / / /".split(" ");
  const path = () => Array.from({ length: random.below(7) }, () => random.pick(parts)).join("");
  for (let count = 0; count < rounds * 200; count++) {
    const [one, other] = [path(), path()];
    // The name of "/" is "" for Node and "/" for the package; nobody asks.
    if (/^\/+$/.test(one)) continue;
    for (const name of ["basename", "dirname", "isAbsolute"] as const) {
      assert.equal(pathsOffline[name](one), paths[name](one), `${name}("${one}")`);
    }
    for (const name of ["join", "resolve"] as const) {
      assert.equal(
        pathsOffline[name](one, other),
        paths[name](one, other),
        `${name}("${one}", "${other}")`,
      );
    }
  }
});
