/** Makes one change after another, and records what becomes of each. */
import type { Client } from "../../support/measuring/client.ts";
import { nowMs } from "../../support/measuring/clock.ts";
import { type Change, changeOf } from "./changes.ts";
import type { Contestant } from "../contestants/contestant.ts";
import { contentText } from "../load/bodies.ts";
import type { Site } from "./site.ts";
import type { Standing } from "./standing.ts";

export interface ReloadFigures {
  readonly number: number;
  /** `null`: it was served, as it should be. */
  readonly refusal: string | null;
  /** From the change to the first answer with the new content, or to the refusal. */
  readonly ms: number;
}

export interface Mishap {
  readonly number: number;
  readonly change: string;
  readonly what: string;
}

const LONGEST_RELOAD_MS = 10_000;
/** So many changes that should have been served and were not. */
const MOST_UNSERVED = 20;

export interface DriveParts {
  readonly site: Site;
  readonly contestant: Contestant;
  readonly standing: Standing;
  readonly client: Client;
  readonly report: (line: string) => void;
}

export class Drive {
  readonly reloads: ReloadFigures[] = [];
  readonly mishaps: Mishap[] = [];
  #unserved = 0;

  constructor(readonly parts: DriveParts) {}

  /** Whether going on is pointless. */
  get isHopeless(): boolean {
    return this.#unserved >= MOST_UNSERVED;
  }

  get progress(): string {
    const refused = this.reloads.filter(({ refusal }) => refusal !== null).length;
    const mishaps = this.mishaps.length === 0 ? "" : `, ${this.mishaps.length} ended otherwise`;
    return `${this.reloads.length} reloads, ${refused} of them refused${mishaps}`;
  }

  /** Whether it was served. */
  async reload(number: number): Promise<boolean> {
    const { site, contestant, standing, report } = this.parts;
    const change = changeOf(site, number);
    standing.begin(number, change.tag === "served" ? change.content : null);
    try {
      const ms = change.tag === "served" ? await this.#serve(change) : await this.#refuse(change);
      const refusal = change.tag === "served" ? null : change.reason;
      this.reloads.push({ number, refusal, ms });
      // Otherwise the content before stays right.
      if (change.tag === "served") standing.serves(change.content);
    } catch (error) {
      if (change.tag === "served") this.#unserved += 1;
      const { message } = error as Error;
      const what = `reload ${number}, ${describe(change)}: ${message}`;
      this.mishaps.push({ number, change: describe(change), what: message });
      report(`${what}\n${contestant.explain()}`);
    }
    return change.tag === "served";
  }

  async #serve({ content, configuration }: Change & { tag: "served" }): Promise<number> {
    const { site, contestant, client } = this.parts;
    const { new_connection: port } = site.ports;
    const answered = client.firstServed({ port, wanted: contentText(content) }, LONGEST_RELOAD_MS);
    let changedMs = NaN;
    const reload = contestant.reload(
      noting(site.workspace.prepareToReplace(configuration), (ms) => changedMs = ms),
      "served",
    );
    // Await both, or the client would still be asking at the next change.
    const [asked, ended] = await Promise.allSettled([answered, reload]);
    if (ended.status === "rejected") throw ended.reason;
    if (ended.value === "refused") throw new Error("was refused");
    if (asked.status === "rejected") throw asked.reason;
    return asked.value - changedMs;
  }

  async #refuse({ configuration }: Change & { tag: "refused" }): Promise<number> {
    const { site, contestant } = this.parts;
    let changedMs = NaN;
    const change = site.workspace.prepareToReplace(configuration);
    const outcome = await contestant.reload(noting(change, (ms) => changedMs = ms), "refused");
    if (outcome !== "refused") throw new Error("was served");
    return nowMs() - changedMs;
  }
}

/** Notes the time after the change: ext4 writes a new file to disk before a rename. */
function noting(change: () => void, note: (ms: number) => void): () => void {
  return () => {
    change();
    note(nowMs());
  };
}

const describe = (change: Change) =>
  change.tag === "served" ? `content ${change.content}` : change.reason;
