/** Reloads one contestant again and again under load, and samples its processes meanwhile. */
import { Client } from "../../support/measuring/client.ts";
import { pause } from "../../support/wait.ts";
import type { Entry } from "../contestants/contestants.ts";
import { Drive, type Mishap, type ReloadFigures } from "./drive.ts";
import { Load, type LoadFigures } from "../load/load.ts";
import { type Sample, takeSample } from "./processes.ts";
import { makeSite, type Site } from "./site.ts";
import { Standing } from "./standing.ts";

export interface Plan {
  /** A number of reloads, or a time. */
  readonly until: { readonly reloads: number } | { readonly ms: number };
  /** The pause after a change that is served; after a refused one it is always short. */
  readonly pauseMs: Range;
  readonly sampleMs: number;
}

type Range = readonly [least: number, most: number];

/** Shorter than the wrapper's delay before it retries a refused change. */
export const SHORT_PAUSE_MS: Range = [50, 250];

export interface Campaign {
  readonly reloads: readonly ReloadFigures[];
  /** Changes that were not served or refused as they should be. */
  readonly mishaps: readonly Mishap[];
  readonly load: LoadFigures;
  readonly samples: readonly Sample[];
  readonly durationMs: number;
}

export async function runCampaign(
  room: AsyncDisposableStack,
  { title, start, global }: Entry,
  { plan, report }: { readonly plan: Plan; readonly report: (line: string) => void },
): Promise<Campaign> {
  const site = withGlobal(await makeSite(room), global);
  Deno.writeTextFileSync(site.workspace.configuration, site.configuration(0));
  const contestant = await start(site);
  const standing = new Standing();
  const { ports, authority } = site;
  const load = room.use(new Load({ ports, authority, standing }));
  const drive = new Drive({ site, contestant, standing, client: room.use(new Client()), report });
  const startedMs = performance.now();
  const samples: Sample[] = [];
  const sample = () => {
    const atMs = performance.now() - startedMs;
    samples.push(takeSample({ ...site, supervisor: contestant.supervisor, atMs }));
  };
  const sampling = setInterval(sample, plan.sampleMs);
  const reporting = setInterval(() => report(`${title}: ${drive.progress}`), REPORT_MS);
  try {
    await pause(WARM_UP_MS);
    const elapsedMs = () => performance.now() - startedMs;
    for (let number = 1; !isOver(plan, number, elapsedMs()) && !drive.isHopeless; number++) {
      const isServed = await drive.reload(number);
      const [least, most] = isServed ? plan.pauseMs : SHORT_PAUSE_MS;
      await pause(least + (most - least) * Math.random());
    }
    const figures = await load.stop();
    sample();
    const { reloads, mishaps } = drive;
    return {
      reloads,
      mishaps,
      samples,
      load: figures,
      durationMs: performance.now() - startedMs,
    };
  } finally {
    clearInterval(sampling);
    clearInterval(reporting);
    await contestant.end?.();
  }
}

const REPORT_MS = 10_000;
const WARM_UP_MS = 1_000;

function isOver({ until }: Plan, number: number, elapsedMs: number): boolean {
  return "ms" in until ? elapsedMs >= until.ms : number > until.reloads;
}

function withGlobal(site: Site, global: Entry["global"]): Site {
  if (global === undefined) return site;
  const words = global(site.workspace.runtimeDirectory);
  const configuration: Site["configuration"] = (content, more = {}) =>
    site.configuration(content, { ...more, global: words });
  return { ...site, configuration };
}
