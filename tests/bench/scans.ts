/** Measures scans of a directory with many certificates, beside a plain stat of all of them. */
import { Readable } from "node:stream";
import { createInterface } from "node:readline";
import { join } from "@std/path";
import { Authority } from "../support/certificates.ts";
import { programLike } from "../support/wrapper/program.ts";
import { pause } from "../support/wait.ts";
import { Workspace } from "../support/wrapper/workspace.ts";
import { QUESTION, type ScanTimes } from "./scan_probe.ts";
import { fillWithCertificates } from "./certificates/many_certificates.ts";
import { type AmountTarget, compareAmounts, type Row } from "./table.ts";
import { quantile } from "../support/measuring/quantile.ts";

export const MANY = 10_000;

export async function measureScans(room: AsyncDisposableStack, rounds: number): Promise<Row[]> {
  const { path } = room.use(new Workspace());
  const probe = await programLike("tests/bench/scan_probe.ts", join(path, "scan-probe"));
  const directory = join(path, "certificates");
  Deno.mkdirSync(directory);
  fillWithCertificates(directory, { count: MANY, authority: new Authority(join(path, "ca")) });
  const times: ScanTimes[] = [];
  for (let round = 0; round < rounds; round++) {
    await pause(UNTIL_OLD_MS);
    times.push(await run([...probe, directory]));
  }
  return describe(times);
}

/** The times of a file that changed more recently do not yet prove its content. */
const UNTIL_OLD_MS = 4_500;

async function run([command, ...args]: readonly string[]): Promise<ScanTimes> {
  const options = { args, stdin: "piped", stdout: "piped" } as const;
  await using child = new Deno.Command(command!, options).spawn();
  const writer = child.stdin.getWriter();
  for await (const line of createInterface({ input: Readable.fromWeb(child.stdout as never) })) {
    if (line !== QUESTION) return JSON.parse(line);
    await writer.write(new TextEncoder().encode(`${bytesReadBy(child.pid)}\n`));
  }
  throw new Error("the probe failed");
}

function bytesReadBy(pid: number): string {
  return /^rchar: (\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/io`))![1]!;
}

function describe(times: readonly ScanTimes[]): Row[] {
  const files = `${MANY.toLocaleString("en")} certificates`;
  const beside = median(times.flatMap(({ stat }) => stat));
  const compare = (figure: string, wrapper: number, target: AmountTarget) =>
    compareAmounts(figure, { wrapper, beside }, { ...IN_MS, target });
  return [
    compare(
      `first scan of ${files} with their fingerprint`,
      median(times.map(({ firstScan }) => firstScan)),
      { tag: "in_all", limit: 1_000 },
    ),
    compare(
      `scan after an event of one of ${files}`,
      median(times.flatMap(({ changeScans }) => changeScans)),
      { tag: "in_all", limit: 100 },
    ),
    compare(
      `poll of ${files}, none changed`,
      median(times.flatMap(({ pollScans }) => pollScans)),
      null,
    ),
    describeReads(times),
  ];
}

function describeReads(times: readonly ScanTimes[]): Row {
  const wrapper = Math.max(...times.map(({ needlessReads }) => needlessReads));
  const beside = Math.max(...times.map(({ firstReads }) => firstReads));
  return compareAmounts("unchanged certificates read in ten later scans, by bytes", {
    wrapper,
    beside,
  }, {
    besideName: "first scan",
    unit: "",
    digits: 0,
    // What threads tell each other counts, too.
    target: { tag: "in_all", limit: MANY / 10 },
  });
}

const IN_MS = { besideName: "stat of all", unit: " ms", digits: 1 };

const median = (samples: readonly number[]) => quantile(samples, 0.5);
