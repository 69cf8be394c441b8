/** Reloads many times under load and counts what fails: `deno task proof`. See `options.ts`. */
import { existsSync } from "node:fs";
import { resolve } from "@std/path";
import { machine } from "../support/measuring/machine.ts";
import { swept } from "../support/measuring/sweep.ts";
import { PROGRAM } from "../support/wrapper/program.ts";
import { type Campaign, type Plan, runCampaign, SHORT_PAUSE_MS } from "./run/campaign.ts";
import { type ContestantName, CONTESTANTS } from "./contestants/contestants.ts";
import { commandOf, type Options, readOptions, USAGE } from "./options.ts";
import { branchesMarkdown } from "./report/branches_report.ts";
import { branchesPlot } from "./plot/branches.ts";
import { plot } from "./plot/plot.ts";
import { examples, markdown } from "./report/report.ts";
import { haproxyOf, type Results } from "./report/results.ts";
import { faultsOf } from "./report/verdict.ts";

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
  const runs = options.from.length === 0 ? [await run(options)] : options.from.map(readResults);
  return show(runs, options);
}

function show(runs: readonly Results[], { svg }: Options): number {
  const [only, ...others] = runs as [Results, ...Results[]];
  const isOne = others.length === 0;
  if (svg !== null) Deno.writeTextFileSync(svg, isOne ? plot(only) : branchesPlot(runs));
  console.log(isOne ? markdown(only) : branchesMarkdown(runs));
  const told = (lines: (run: Results) => readonly string[], mark: string) =>
    runs.flatMap((run) =>
      lines(run).map((line) => `${mark}${isOne ? "" : `${haproxyOf(run)}, `}${line}`)
    );
  const faults = told(faultsOf, "FAULT ");
  for (const line of [...told(examples, ""), ...faults]) console.error(line);
  return faults.length > 0 ? 1 : 0;
}

function readResults(path: string): Results {
  return JSON.parse(Deno.readTextFileSync(path));
}

function whatIsMissing({ from, haproxy }: Options): string | null {
  const missing = from.find((path) => !existsSync(path));
  if (missing !== undefined) return `--from: there is no "${missing}"`;
  if (from.length > 0) return null;
  if (haproxy !== null && !existsSync(haproxy)) return `--haproxy: there is no "${haproxy}"`;
  if (existsSync(PROGRAM[0]!)) return null;
  return `there is no "${PROGRAM[0]}": "deno task compile" makes it; ` +
    "or try the program from source, with PROGRAM=source in the environment";
}

/** Saves the results after each contestant, so that a failure costs only its own. */
async function run(options: Options): Promise<Results> {
  const { until, only, haproxy, json } = options;
  await using room = new AsyncDisposableStack();
  if (haproxy !== null) putInPath(room, haproxy);
  const isSoak = "ms" in until;
  const plan: Plan = isSoak
    ? { until, pauseMs: [2_000, 5_000], sampleMs: 5_000 }
    : { until, pauseMs: SHORT_PAUSE_MS, sampleMs: 1_000 };
  const campaigns: Partial<Record<ContestantName, Campaign>> = {};
  const results: Results = {
    machine: await machine(),
    clients: `Deno ${Deno.version.deno}`,
    command: commandOf(options),
    isSoak,
    campaigns,
  };
  for (const name of only) {
    console.error(`${CONTESTANTS[name].title} …`);
    const entry = CONTESTANTS[name];
    campaigns[name] = await swept((own) =>
      runCampaign(own, entry, { plan, report: console.error })
    );
    if (json !== null) Deno.writeTextFileSync(json, JSON.stringify(results));
  }
  return results;
}

/** Puts it into PATH as `haproxy`, by a link, so that it finds its own files. */
function putInPath(room: AsyncDisposableStack, haproxy: string): void {
  const folder = Deno.makeTempDirSync({ prefix: "proof-" });
  room.defer(() => Deno.remove(folder, { recursive: true }));
  Deno.symlinkSync(resolve(haproxy), `${folder}/haproxy`);
  Deno.env.set("PATH", `${folder}:${Deno.env.get("PATH")}`);
}
