/** Decides how a running process comes to have other servers, or that only a reload can do it. Pure. */
import {
  arePlain,
  begins,
  readSection,
  sectionTexts,
  serverLines,
  type ServerSection,
  withoutServers,
  wordsOf,
} from "../../config/server_lines.ts";
import { changedLimit, type LimitChange } from "./limits.ts";
import {
  addedServer,
  type Changed,
  changedServer,
  type Obstacle,
  obstacleToRemoval,
  type ServerChange,
  type ServerEntry,
} from "./server_change.ts";

export interface Changes {
  readonly servers: readonly ServerChange[];
  readonly limits: readonly LimitChange[];
}

export type ServerPlan =
  | {
    readonly tag: "plan";
    readonly changes: Changes;
    /** `serverLines` of the files. */
    readonly lines: string;
  }
  | { readonly tag: "reload"; readonly reason: string };

/**
 * What to change in a process whose configuration had the `before` lines, now that its files say `after`, which are
 * known to differ in nothing but servers.
 */
export function planServers(before: string, after: readonly string[]): ServerPlan {
  if (!arePlain(after)) return reload("HAProxy may read its lines in another way");
  const planner = new Planner(after);
  const lines = serverLines(after);
  const [old, next] = [sectionTexts(before), sectionTexts(lines)];
  if (old.length !== next.length) return reload("the sections are others");
  const servers: ServerChange[] = [];
  const limits: LimitChange[] = [];
  for (const [index, text] of next.entries()) {
    const found = planner.compare(old[index]!, text);
    if (typeof found === "string") return reload(found);
    servers.push(...found.servers);
    limits.push(...found.limits);
    const count = servers.length + limits.length;
    if (count > MOST_CHANGES) return reload(`more than ${MOST_CHANGES} servers changed`);
  }
  return { tag: "plan", changes: { servers, limits }, lines };
}

/** For more at once a reload is no slower. */
const MOST_CHANGES = 500;

const reload = (reason: string): ServerPlan => ({ tag: "reload", reason });

const NONE: Changes = { servers: [], limits: [] };

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

  compare(before: string, after: string): Changes | Obstacle {
    if (/^[ \t]*defaults(?![^ \t\r\n#])/.test(after)) this.#defaults = readSection(after);
    if (before === after) return NONE;
    const next = readSection(after);
    const found = this.#compareSections(readSection(before), next);
    return typeof found === "string" ? `in ${next.kind} "${next.name}" ${found}` : found;
  }

  #compareSections(old: ServerSection, next: ServerSection): Changes | Obstacle {
    const limit = changedLimit(old, next);
    if (typeof limit === "string") return limit;
    if (!IS_NAME.test(next.name)) return "the name may stand for another";
    // Then the most that HAProxy gives a server depends on it, by a "fullconn" that it works out.
    if (limit !== null && this.#after.some((text) => /\bminconn\b/.test(text))) {
      return 'maxconn changed, and a server has a "minconn"';
    }
    const servers = this.#compareServerLines(old, next);
    if (typeof servers === "string") return servers;
    return { servers, limits: limit === null ? [] : [limit] };
  }

  #compareServerLines(
    old: ServerSection,
    next: ServerSection,
  ): readonly ServerChange[] | Obstacle {
    const [were, are] = [old, next].map(({ lines }) =>
      lines.filter((line) => !begins(line, "maxconn")).join("\n")
    );
    if (were === are) return [];
    const { kind, name, from } = next;
    if (kind !== "backend" && kind !== "listen") return "the server lines are not those of a proxy";
    const other = from ?? this.#defaults.from;
    if (other !== null) return `the defaults are those of "${other}"`;
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
    const obstacle = isRenumbered ? this.#obstacleToNumbers(next) : null;
    return obstacle ?? obstacleToBackups(before, after) ?? changes;
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
    if (change === null || typeof change === "string") return change;
    return this.#obstacleIn(change) ?? change;
  }

  /** What the rest makes of a value. */
  #obstacleIn({ address, weight }: Changed): Obstacle | null {
    if (address !== null && /\bdynamic-cookie-key\b/.test(this.#rest)) {
      return "has another address, by which its cookie is made";
    }
    // HAProxy 2.6 leaves clients with a connection of their own at the old address.
    if (address !== null && /\bhttp-reuse[ \t]+never\b/.test(this.#rest)) {
      return 'has another address, beside "http-reuse never"';
    }
    return weight !== null && /\bsrv_iweight\b/.test(this.#rest)
      ? 'has another weight, and "srv_iweight" would give the old one'
      : null;
  }

  /** By name, in their order. */
  #read({ lines }: ServerSection): Entries | Obstacle {
    const entries = new Map<string, ServerEntry>();
    const defaults = this.#defaults.lines.filter(isDefault);
    for (const line of lines) {
      if (begins(line, "server-template")) return "a server-template makes servers as well";
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
    const lines = this.#after.flatMap((text) => text.match(TRACKING) ?? []);
    return lines.some((line) => {
      const words = wordsOf(line);
      return words.some((word, index) => {
        const name = words[index + 1] ?? "";
        return /["'\\]/.test(word) || (word === "track" &&
          (name === server || name === `${backend}/${server}`));
      });
    });
  }

  /** A server's number is the next free one, but after a reload that of its place. */
  #obstacleToNumbers({ lines }: ServerSection): Obstacle | null {
    if (/\b(?:srv_id|table_server_id|dynamic-cookie-key)\b/.test(this.#rest)) {
      return "the servers' numbers matter";
    }
    const balance = [...this.#defaults.lines, ...lines].findLast((line) => begins(line, "balance"));
    const algorithm = balance === undefined
      ? DEFAULT
      : /^balance\s+([a-z]+)(?![^\s(])/.exec(balance)?.[1];
    return FREE_ALGORITHMS.has(algorithm ?? "")
      ? null
      : "the servers' places matter to the algorithm";
  }
}

type Entries = ReadonlyMap<string, ServerEntry>;

const isDefault = (line: string) => begins(line, "default-server");

/** Without `option allbackups` the first one that is alive gets all requests. */
function obstacleToBackups(before: Entries, after: Entries): Obstacle | null {
  const [old, next] = [backupsIn(before), backupsIn(after)];
  return old.filter((name) => next.includes(name)).join() === next.join()
    ? null
    : "the order of backup servers counts";
}

const backupsIn = (entries: Entries) =>
  [...entries].filter(([, { line, defaults }]) => /\bbackup\b/.test(`${line}\n${defaults}`))
    .map(([name]) => name);

/** Lines of servers in which a word is, or may be, `track`. */
const TRACKING =
  /^[ \t]*(?:default-server|server|server-template)[ \t][^\n]*(?:track|["'\\])[^\n]*$/gm;

/** What HAProxy allows in one, without what has a meaning in commands. */
const IS_NAME = /^[A-Za-z0-9_.:-]+$/;

/** Which of them gets the next request does not depend on the servers' numbers. */
const FREE_ALGORITHMS: ReadonlySet<string> = new Set(["roundrobin", "leastconn", "random"]);
/** Up to HAProxy 3.2; from then on "random". */
const DEFAULT = "roundrobin";
