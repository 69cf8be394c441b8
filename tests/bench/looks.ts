/** Measures the looks at a directory of many certificates, beside a plain stat of all of them. */
import { join } from "@std/path";
import { Authority } from "../support/certificates.ts";
import { programLike } from "../support/program.ts";
import { pause } from "../support/wait.ts";
import { Workspace } from "../support/wrapper.ts";
import type { LookTimes } from "./look_probe.ts";
import { fillWithCertificates } from "./many_certificates.ts";
import { type AmountTarget, compareAmounts, type Row } from "./table.ts";
import { quantile } from "../support/measuring/quantile.ts";

export const MANY = 10_000;

export async function measureLooks(room: AsyncDisposableStack, rounds: number): Promise<Row[]> {
  const { path } = room.use(new Workspace());
  const probe = await programLike("tests/bench/look_probe.ts", join(path, "look-probe"));
  const directory = join(path, "certificates");
  Deno.mkdirSync(directory);
  fillWithCertificates(directory, { count: MANY, authority: new Authority(join(path, "ca")) });
  const times: LookTimes[] = [];
  for (let round = 0; round < rounds; round++) {
    await pause(UNTIL_OLD_MS);
    times.push(await run([...probe, directory]));
  }
  return describe(times);
}

/** The content of a file that was changed more recently is not yet proved by its times. */
const UNTIL_OLD_MS = 4_500;

async function run([command, ...args]: readonly string[]): Promise<LookTimes> {
  const { success, stdout, stderr } = await new Deno.Command(command!, { args }).output();
  if (!success) throw new Error(`the probe failed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function describe(times: readonly LookTimes[]): Row[] {
  const files = `${MANY.toLocaleString("en")} certificates`;
  const beside = median(times.flatMap(({ stat }) => stat));
  const compare = (figure: string, wrapper: number, target: AmountTarget) =>
    compareAmounts(figure, { wrapper, beside }, { ...IN_MS, target });
  return [
    compare(
      `first look at ${files} with their fingerprint`,
      median(times.map(({ firstLook }) => firstLook)),
      { tag: "in_all", limit: 1_000 },
    ),
    compare(
      `look after an event of one of ${files}`,
      median(times.flatMap(({ changeLooks }) => changeLooks)),
      { tag: "in_all", limit: 100 },
    ),
    compare(
      `poll of ${files}, none changed`,
      median(times.flatMap(({ pollLooks }) => pollLooks)),
      null,
    ),
    describeReads(times),
  ];
}

function describeReads(times: readonly LookTimes[]): Row {
  const wrapper = Math.max(...times.map(({ needlessReads }) => needlessReads));
  const beside = Math.max(...times.map(({ firstReads }) => firstReads));
  return compareAmounts("unchanged certificates read in later looks", { wrapper, beside }, {
    besideName: "first look",
    unit: "",
    digits: 0,
    target: { tag: "in_all", limit: 0 },
  });
}

const IN_MS = { besideName: "stat of all", unit: " ms", digits: 1 };

const median = (samples: readonly number[]) => quantile(samples, 0.5);
