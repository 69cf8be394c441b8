/** Decides how a running process comes to have other servers, or that only a reload can do it. Pure. */
import {
  readSection,
  sectionTexts,
  serverLines,
  type ServerSection,
  withoutServers,
} from "../../config/server_lines.ts";
import {
  addedServer,
  changedServer,
  type Obstacle,
  obstacleToRemoval,
  type ServerChange,
  type ServerEntry,
} from "./server_change.ts";

export type ServerPlan =
  | {
    readonly tag: "plan";
    readonly changes: readonly ServerChange[];
    /** `serverLines` of the files. */
    readonly lines: string;
  }
  | { readonly tag: "reload"; readonly reason: string };

/**
 * What to change in a process whose configuration had the `before` lines, now that its files say `after`, which are
 * known to differ in nothing but servers.
 */
export function planServers(before: string, after: readonly string[]): ServerPlan {
  const planner = new Planner(after);
  const lines = serverLines(after);
  const [old, next] = [sectionTexts(before), sectionTexts(lines)];
  if (old.length !== next.length) return reload("the sections are others");
  const changes: ServerChange[] = [];
  for (const [index, text] of next.entries()) {
    const found = planner.compare(old[index]!, text);
    if (typeof found === "string") return reload(found);
    changes.push(...found);
    if (changes.length > MOST_CHANGES) return reload(`more than ${MOST_CHANGES} servers changed`);
  }
  return { tag: "plan", changes, lines };
}

/** For more at once a reload is no slower. */
const MOST_CHANGES = 500;

const reload = (reason: string): ServerPlan => ({ tag: "reload", reason });

/** Goes through the sections in their order. */
class Planner {
  readonly #after: readonly string[];
  #known: string | null = null;
  /** The last section of defaults so far. */
  #defaults: ServerSection = { kind: "defaults", name: "", from: null, lines: [] };

  constructor(after: readonly string[]) {
    this.#after = after;
  }

  /** Not every change needs it, and it takes milliseconds. */
  get #rest(): string {
    return this.#known ??= withoutServers(this.#after) ?? "";
  }

  compare(before: string, after: string): readonly ServerChange[] | Obstacle {
    if (/^[ \t]*defaults(?!\S)/.test(after)) this.#defaults = readSection(after);
    if (before === after) return [];
    const next = readSection(after);
    const found = this.#compareSections(readSection(before), next);
    return typeof found === "string" ? `in ${next.kind} "${next.name}" ${found}` : found;
  }

  #compareSections(old: ServerSection, next: ServerSection): readonly ServerChange[] | Obstacle {
    const { kind, name, from } = next;
    if (kind !== "backend" && kind !== "listen") return "the server lines are not those of a proxy";
    if (!IS_NAME.test(name)) return "the name may stand for another";
    if (from !== null) return `the defaults are those of "${from}"`;
    const [before, after] = [this.#read(old), this.#read(next)];
    if (typeof before === "string") return before;
    if (typeof after === "string") return after;
    const changes: ServerChange[] = [];
    for (const server of new Set([...after.keys(), ...before.keys()])) {
      const change = this.#compareServers({ backend: name, server }, before, after);
      if (typeof change === "string") return `server "${server}" ${change}`;
      if (change !== null) changes.push(change);
    }
    const isRenumbered = changes.some(({ tag }) => tag !== "changed") ||
      [...before.keys()].join() !== [...after.keys()].join();
    return (isRenumbered ? this.#obstacleToNumbers(next) : null) ?? changes;
  }

  #compareServers(
    { backend, server }: { readonly backend: string; readonly server: string },
    before: Entries,
    after: Entries,
  ): ServerChange | Obstacle | null {
    const [old, next] = [before.get(server), after.get(server)];
    if (next === undefined) return this.#removed(backend, server, old!);
    if (old === undefined) return addedServer(backend, next);
    if (old.line === next.line && old.defaults === next.defaults) return null;
    const change = changedServer({ backend, server }, old, next);
    const isCookieAtStake = change !== null && typeof change !== "string" &&
      change.address !== null && /\bdynamic-cookie-key\b/.test(this.#rest);
    return isCookieAtStake ? "has another address, by which its cookie is made" : change;
  }

  /** By name, in their order. */
  #read({ lines }: ServerSection): Entries | Obstacle {
    const entries = new Map<string, ServerEntry>();
    const defaults = this.#defaults.lines.filter(isDefault);
    for (const line of lines) {
      if (line.startsWith("server-template")) return "a server-template makes servers as well";
      if (isDefault(line)) defaults.push(line);
      if (!/^server[ \t]/.test(line)) continue;
      const name = /^server[ \t]+(\S+)/.exec(line)?.[1] ?? "";
      if (!IS_NAME.test(name) || entries.has(name)) return "the name of a server is not plain";
      entries.set(name, { line, defaults: defaults.join("\n") });
    }
    return entries;
  }

  #removed(backend: string, server: string, entry: ServerEntry): ServerChange | Obstacle {
    const obstacle = obstacleToRemoval(entry);
    if (obstacle !== null) return obstacle;
    if (/\bpersist\b/.test(this.#rest)) return 'is gone, and "persist" could send clients to it';
    return this.#isReferred(server) || this.#isTracked(backend, server)
      ? "is gone, and something refers to it"
      : { tag: "removed", backend, server };
  }

  #isReferred(server: string): boolean {
    const used = [...this.#rest.matchAll(/\buse-server[ \t]+(\S+)/g)].map(([, name]) => name!);
    const sampled = [...this.#rest.matchAll(/\bsrv_\w+\(([^)]*)\)/g)]
      .map(([, name]) => name!.split("/").at(-1)!.trim());
    return [...used, ...sampled].some((name) => name === server || /[%"'\\]/.test(name));
  }

  #isTracked(backend: string, server: string): boolean {
    const tracked = this.#after.flatMap((text) =>
      [...text.matchAll(/^[ \t]*(?:default-)?server[ \t].*\btrack[ \t]+(\S+)/gm)]
        .map(([, name]) => name)
    );
    return tracked.some((name) => name === server || name === `${backend}/${server}`);
  }

  /** A server's number is the next free one, but after a reload that of its place. */
  #obstacleToNumbers({ lines }: ServerSection): Obstacle | null {
    if (/\bsrv_id\b|\bdynamic-cookie-key\b/.test(this.#rest)) return "the servers' numbers matter";
    const balance = [...this.#defaults.lines, ...lines].findLast((line) => /^balance\s/.test(line));
    const algorithm = balance === undefined
      ? DEFAULT
      : /^balance\s+([a-z]+)(?![^\s(])/.exec(balance)?.[1];
    return FREE_ALGORITHMS.has(algorithm ?? "")
      ? null
      : "the servers' places matter to the algorithm";
  }
}

type Entries = ReadonlyMap<string, ServerEntry>;

const isDefault = (line: string) => /^default-server(?!\S)/.test(line);

/** What HAProxy allows in one, without what has a meaning in commands. */
const IS_NAME = /^[A-Za-z0-9_.:-]+$/;

/** Which of them gets the next request does not depend on the servers' numbers. */
const FREE_ALGORITHMS: ReadonlySet<string> = new Set(["roundrobin", "leastconn", "random"]);
/** Up to HAProxy 3.2; from then on "random". */
const DEFAULT = "roundrobin";
