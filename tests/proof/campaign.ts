/** Reloads one contestant again and again under load, and notes what becomes of each reload. */
import { Client } from "../bench/client.ts";
import { nowMs } from "../bench/clock.ts";
import { renameOver } from "../bench/latency.ts";
import { pause } from "../process/wait.ts";
import { type Change, changeOf } from "./changes.ts";
import type { Entry } from "./contestants/contestants.ts";
import type { Contestant } from "./contestants/contestant.ts";
import { contentText } from "./load/bodies.ts";
import { Load, type LoadFigures } from "./load/load.ts";
import { type Sample, takeSample } from "./processes.ts";
import { makeSite, type Site } from "./site.ts";
import { Standing } from "./standing.ts";

export interface Plan {
  /** Reloads, or a time. */
  readonly until: { readonly reloads: number } | { readonly ms: number };
  /** The pause after a change that is served. After a refused one it is always a short one. */
  readonly pauseMs: Range;
  readonly sampleMs: number;
}

type Range = readonly [least: number, most: number];

/** Shorter than it takes the wrapper to try a refused change again. */
export const SHORT_PAUSE_MS: Range = [50, 250];

export interface ReloadFigures {
  readonly number: number;
  /** `null`: it was served, as it should. */
  readonly refusal: string | null;
  /** From the change to the first answer with the new content; for a refusal, until it was told. */
  readonly ms: number;
}

export interface Mishap {
  readonly number: number;
  readonly change: string;
  readonly what: string;
}

export interface Campaign {
  readonly reloads: readonly ReloadFigures[];
  /** What was neither served nor refused as it should. */
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
      ...{ reloads, mishaps, samples, load: figures },
      durationMs: performance.now() - startedMs,
    };
  } finally {
    clearInterval(sampling);
    clearInterval(reporting);
  }
}

const LONGEST_RELOAD_MS = 10_000;
const REPORT_MS = 10_000;
const WARM_UP_MS = 1_000;
/** So many changes that ought to be served and are not. */
const MOST_UNSERVED = 20;

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

interface DriveParts {
  readonly site: Site;
  readonly contestant: Contestant;
  readonly standing: Standing;
  readonly client: Client;
  readonly report: (line: string) => void;
}

class Drive {
  readonly reloads: ReloadFigures[] = [];
  readonly mishaps: Mishap[] = [];
  #unserved = 0;

  constructor(readonly parts: DriveParts) {}

  /** Whether it makes no sense to go on. */
  get isHopeless(): boolean {
    return this.#unserved >= MOST_UNSERVED;
  }

  get progress(): string {
    const refused = this.reloads.filter(({ refusal }) => refusal !== null).length;
    const mishaps = this.mishaps.length === 0 ? "" : `, ${this.mishaps.length} ended otherwise`;
    return `${this.reloads.length} reloads, ${refused} of them refused${mishaps}`;
  }

  /** Whether it served, as it should. */
  async reload(number: number): Promise<boolean> {
    const { site, contestant, standing, report } = this.parts;
    const change = changeOf(site, number);
    standing.begin(number, change.tag === "served" ? change.content : null);
    try {
      const ms = change.tag === "served" ? await this.#serve(change) : await this.#refuse(change);
      const refusal = change.tag === "served" ? null : change.reason;
      this.reloads.push({ number, refusal, ms });
    } catch (error) {
      if (change.tag === "served") this.#unserved += 1;
      const { message } = error as Error;
      const what = `reload ${number}, ${describe(change)}: ${message}`;
      this.mishaps.push({ number, change: describe(change), what: message });
      report(`${what}
${contestant.explain()}`);
    }
    if (change.tag === "served") standing.serves(change.content);
    return change.tag === "served";
  }

  async #serve({ content, configuration }: Change & { tag: "served" }): Promise<number> {
    const { site, contestant, client } = this.parts;
    const { new_connection: port } = site.ports;
    const answered = client.firstAnswer(port, contentText(content), LONGEST_RELOAD_MS);
    let changedMs = NaN;
    const reload = contestant.reload(
      noting(renameOver(site.workspace, configuration), (ms) => changedMs = ms),
      "served",
    );
    // Both, or else the client would still be asking when the next change is made.
    const [asked, ended] = await Promise.allSettled([answered, reload]);
    if (ended.status === "rejected") throw ended.reason;
    if (ended.value === "refused") throw new Error("was refused");
    if (asked.status === "rejected") throw asked.reason;
    return asked.value - changedMs;
  }

  async #refuse({ configuration }: Change & { tag: "refused" }): Promise<number> {
    const { site, contestant } = this.parts;
    let changedMs = NaN;
    const change = renameOver(site.workspace, configuration);
    const outcome = await contestant.reload(noting(change, (ms) => changedMs = ms), "refused");
    if (outcome !== "refused") throw new Error("was served");
    return nowMs() - changedMs;
  }
}

/** Tells when the change is made: only then, since ext4 writes a new file to the disk before a rename. */
function noting(change: () => void, note: (ms: number) => void): () => void {
  return () => {
    change();
    note(nowMs());
  };
}

const describe = (change: Change) =>
  change.tag === "served" ? `content ${change.content}` : change.reason;
