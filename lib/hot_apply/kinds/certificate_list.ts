/** Lists of certificates (`crt-list`): their lines come and go, with certificates that HAProxy has or not. */
import { resolve } from "@std/path";
import { listedName, type ListLine, readListLines, spellingOf } from "../../config/list_lines.ts";
import { isBundled, keyBeside } from "../../config/side_files.ts";
import type { Ask } from "../../haproxy/runtime/client.ts";
import {
  type CertificateListTarget as CertificateList,
  type CertificateTarget as Certificate,
  filesOf,
} from "../../loaded/targets.ts";
import { type Addition, applyLines, type Steps } from "../lists/apply.ts";
import {
  compareLines,
  isForOwnNames,
  type ListChange,
  type NamedLine,
  obstacleToPlaces,
} from "../lists/plan.ts";
import { certificate } from "./certificate.ts";
import { readAllNames } from "./names.ts";
import {
  type ChangedAgain,
  type Content,
  type Impossible,
  impossible,
  type Plan,
  type Result,
  type TargetKind,
} from "./target_kind.ts";

export const certificateList: TargetKind<CertificateList> = { plan };

async function plan(target: CertificateList, content: Content): Promise<Plan> {
  const [before, after] = [readListLines(target.text), readListLines(content.text)];
  if (before === null || after === null) return impossible(UNSURE);
  const change = compareLines({ before, after });
  if (typeof change === "string") return impossible(change);
  const certificates = new Certificates(target);
  const obstacle = await obstacleToNames(change, { certificates, target, content });
  if (obstacle !== null) return impossible(obstacle);
  const additions = await planAdditions(change.added, certificates, content);
  if ("tag" in additions) return additions;
  const released = certificates.releasedBy(change);
  const unclaimed = certificates.unclaimed(released, content);
  if (unclaimed !== null) return impossible(unclaimed);
  const { name: list, bases: { crt: base } } = target;
  const { removed } = change;
  const steps = { list, base, before, after, additions, removed, released: [...released.keys()] };
  const [came, text] = [certificates.came, content.text];
  return { tag: "ready", apply: (ask) => apply(steps, { target, came, released, text }, ask) };
}

const UNSURE = "HAProxy may read its lines in another way";

/** Why the order of lines counts, or may count. */
async function obstacleToNames(
  { kept, added }: ListChange,
  { certificates, target, content: { files } }: {
    readonly certificates: Certificates;
    readonly target: CertificateList;
    readonly content: Content;
  },
): Promise<string | null> {
  if (added.length === 0) return null;
  const companions = target.companions.map((name) => target.known?.get(name)?.path);
  const own = [...kept, ...added].filter(isForOwnNames).map((line) => certificates.pathOf(line));
  const paths = [...companions, ...own];
  const isWhole = paths.every((path) => path !== undefined && files.has(path));
  if (!isWhole) return "the names in some certificates are not known";
  const names = await readAllNames([...new Set(paths as string[])], files);
  if (typeof names === "string") return names;
  const namesAt = (path: string | undefined) => names.get(path ?? "") ?? [];
  const named = (line: ListLine): NamedLine => (
    { line, names: isForOwnNames(line) ? namesAt(certificates.pathOf(line)) : [] }
  );
  return obstacleToPlaces({
    added: added.map(named),
    kept: kept.map(named),
    beside: companions.flatMap(namesAt),
  });
}

/** What each new line takes. */
async function planAdditions(
  added: readonly ListLine[],
  certificates: Certificates,
  { read }: Content,
): Promise<readonly Addition[] | Impossible | ChangedAgain> {
  const additions: Addition[] = [];
  for (const line of added) {
    const { path } = line;
    const { name, text, isNew, own } = certificates.add(line);
    if (own === null) return impossible(`"${path}" is loaded in another way`);
    if (!isNew) {
      additions.push({ name, line: text, giveNew: null });
      continue;
    }
    const content = await read(own);
    if ("tag" in content) {
      return content.tag === "impossible" ? impossible(`"${path}": ${content.reason}`) : content;
    }
    const planned = await certificate.plan(own, content);
    if (planned.tag === "changed_again") return planned;
    if (planned.tag !== "ready") return impossible(`"${path}": ${planned.reason}`);
    additions.push({ name, line: text, giveNew: planned.apply });
  }
  return additions;
}

/** The certificates of a list, before a change and after it. */
class Certificates {
  readonly #list: CertificateList;
  readonly #came = new Map<string, Certificate>();

  constructor(list: CertificateList) {
    this.#list = list;
  }

  /** As they are once HAProxy has them. */
  get came(): readonly Certificate[] {
    return [...this.#came.values()].map(({ line: _, list: __, besides: ___, ...target }) => target);
  }

  /** Of a file that HAProxy has not loaded, where it would look. */
  pathOf(line: ListLine): string | undefined {
    const name = this.#nameOf(line);
    const { bases: { directory } } = this.#list;
    return this.#known.get(name)?.path ??
      (name.startsWith("@") ? undefined : resolve(directory, name));
  }

  /** `own`: `null` if only a reload can load it. */
  add(line: ListLine) {
    const name = this.#nameOf(line);
    const text = spellingOf({ ...line, path: name });
    const known = this.#known.get(name) ?? this.#came.get(name);
    if (known !== undefined) return { name, text, isNew: false, own: known };
    const path = this.pathOf(line);
    if (path === undefined || isBundled(path)) return { name, text, isNew: true, own: null };
    const { name: list } = this.#list;
    const place = { keyPath: keyBeside(path, this.#list), isMember: false };
    const own = {
      tag: "certificate",
      path,
      name,
      ...place,
      list,
      line: text,
      besides: [],
    } as const;
    this.#came.set(name, own);
    return { name, text, isNew: true, own };
  }

  /** Those that no line names any more, by their names. */
  releasedBy({ kept, added, removed }: ListChange): ReadonlyMap<string, Certificate> {
    const left = new Set([...kept, ...added].map((line) => this.#nameOf(line)));
    const names = removed.map((line) => this.#nameOf(line)).filter((name) => !left.has(name));
    return new Map(names.flatMap((name): [string, Certificate][] => {
      const known = this.#known.get(name);
      // What a `crt-store` loads is there without a line.
      return known === undefined || name.startsWith("@") ? [] : [[name, known]];
    }));
  }

  /** Why a file that came or went with the change has nothing to do with it; `null` if all have. */
  unclaimed(
    released: ReadonlyMap<string, Certificate>,
    { files }: Content,
  ): string | null {
    const went = [...released.values()].flatMap(filesOf);
    const came = [...this.#came.values()].flatMap(filesOf);
    const explained = new Set([...went, ...came, ...this.#list.unused]);
    const other = this.#list.claimed?.find((path) => !explained.has(path));
    if (other === undefined) return null;
    return files.has(other) ? `"${other}" is new as well` : `"${other}" is gone as well`;
  }

  get #known(): ReadonlyMap<string, Certificate> {
    return this.#list.known ?? NONE;
  }

  #nameOf(line: ListLine): string {
    return listedName(line, this.#list.bases.crt);
  }
}

const NONE: ReadonlyMap<string, Certificate> = new Map();

async function apply(
  steps: Steps,
  { target, came, released, text }: {
    readonly target: CertificateList;
    readonly came: readonly Certificate[];
    readonly released: ReadonlyMap<string, Certificate>;
    readonly text: string;
  },
  ask: Ask,
): Promise<Result> {
  const result = await applyLines(steps, ask);
  if (result.tag !== "applied") return result;
  const went = result.deleted.flatMap((name) => released.get(name) ?? []);
  const { known: _, claimed = [], unused, ...list } = target;
  const kept = [...released.values()].filter((one) => !went.includes(one));
  const missing = kept.flatMap(filesOf).find((path) => claimed.includes(path));
  if (missing !== undefined) {
    return { tag: "unconfirmed", reason: `"${missing}" is gone, and HAProxy still uses it` };
  }
  const files = came.flatMap(filesOf);
  const left = [...unused, ...went.flatMap(filesOf)].filter((path) => !files.includes(path));
  return {
    tag: "applied",
    detail: describe(steps),
    after: { ...list, text, unused: [...new Set(left)], came, went },
  };
}

function describe({ additions, removed }: Steps): string {
  const parts = [
    ...additions.length === 0 ? [] : [`added ${shown(additions.map(({ line }) => line))}`],
    ...removed.length === 0 ? [] : [`removed ${shown(removed.map(spellingOf))}`],
  ];
  return parts.length === 0 ? "no line changed" : parts.join(", ");
}

function shown(lines: readonly string[]): string {
  const others = lines.length - MOST_SHOWN;
  const first = lines.slice(0, MOST_SHOWN).map((line) => `"${line}"`);
  return [...first, ...others > 0 ? [`${others} more`] : []].join(", ");
}

const MOST_SHOWN = 3;
