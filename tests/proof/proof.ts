/** Reloads thousands of times under load and counts what fails: `deno task proof`. See `options.ts`. */
import { existsSync } from "node:fs";
import { resolve } from "@std/path";
import { machine } from "../bench/machine.ts";
import { swept } from "../bench/sweep.ts";
import { PROGRAM } from "../process/program.ts";
import { type Campaign, type Plan, runCampaign, SHORT_PAUSE_MS } from "./campaign.ts";
import { type ContestantName, CONTESTANTS } from "./contestants/contestants.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { plot } from "./plot/plot.ts";
import { examples, markdown } from "./report.ts";
import type { Results } from "./results.ts";
import { faultsOf } from "./verdict.ts";

/** As in sysexits(3). */
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;

if (import.meta.main) Deno.exit(await proof(Deno.args));

async function proof(args: readonly string[]): Promise<number> {
  const { options, problems } = readOptions(args);
  if (problems.length > 0) {
    console.error([...problems, USAGE].join("\n"));
    return EXIT_USAGE;
  }
  const missing = whatIsMissing(options);
  if (missing !== null) {
    console.error(missing);
    return EXIT_UNAVAILABLE;
  }
  const results = options.from === null
    ? await run(options, ["deno task proof", ...args].join(" "))
    : readResults(options.from);
  if (options.json !== null) Deno.writeTextFileSync(options.json, JSON.stringify(results));
  if (options.svg !== null) Deno.writeTextFileSync(options.svg, plot(results));
  console.log(markdown(results));
  for (const example of examples(results)) console.error(example);
  const faults = faultsOf(results);
  for (const fault of faults) console.error(`FAULT ${fault}`);
  return faults.length > 0 ? 1 : 0;
}

function readResults(path: string): Results {
  return JSON.parse(Deno.readTextFileSync(path));
}

function whatIsMissing({ from, haproxy }: Options): string | null {
  if (from !== null) return existsSync(from) ? null : `--from: there is no "${from}"`;
  if (haproxy !== null && !existsSync(haproxy)) return `--haproxy: there is no "${haproxy}"`;
  if (existsSync(PROGRAM[0]!)) return null;
  return `there is no "${PROGRAM[0]}": "deno task compile" makes it; ` +
    "or try the program from source, with PROGRAM=source in the environment";
}

async function run({ until, only, haproxy }: Options, command: string): Promise<Results> {
  await using room = new AsyncDisposableStack();
  if (haproxy !== null) putInPath(room, haproxy);
  const isSoak = "ms" in until;
  const plan: Plan = isSoak
    ? { until, pauseMs: [2_000, 5_000], sampleMs: 5_000 }
    : { until, pauseMs: SHORT_PAUSE_MS, sampleMs: 1_000 };
  const campaigns: Partial<Record<ContestantName, Campaign>> = {};
  for (const name of only) {
    console.error(`${CONTESTANTS[name].title} …`);
    const entry = CONTESTANTS[name];
    campaigns[name] = await swept((own) =>
      runCampaign(own, entry, { plan, report: console.error })
    );
  }
  const clients = `clients on Deno ${Deno.version.deno}`;
  return { machine: `${await machine()}, ${clients}, \`${command}\``, isSoak, campaigns };
}

/** Makes it what is found as `haproxy`, by a link, so that it knows where it lies. */
function putInPath(room: AsyncDisposableStack, haproxy: string): void {
  const folder = Deno.makeTempDirSync({ prefix: "proof-" });
  room.defer(() => Deno.remove(folder, { recursive: true }));
  Deno.symlinkSync(resolve(haproxy), `${folder}/haproxy`);
  Deno.env.set("PATH", `${folder}:${Deno.env.get("PATH")}`);
}
