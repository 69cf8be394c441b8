/** Decides how a running process comes to have other servers, or that only a reload can do it. Pure. */
import {
  areDefaults,
  arePlain,
  begins,
  differingSections,
  differingTexts,
  isQuoted,
  readSection,
  type ServerSection,
  wordsOf,
} from "../../config/server_lines.ts";
import type { Environment } from "../../config/tokens.ts";
import { changedMaxconn, type MaxconnChange } from "./frontend_maxconn.ts";
import { Rest } from "./rest.ts";
import {
  addedServer,
  changedServer,
  type Obstacle,
  obstacleToRemoval,
  type ServerChange,
  type ServerEntry,
} from "./server_change.ts";

export interface Changes {
  readonly servers: readonly ServerChange[];
  readonly frontends: readonly MaxconnChange[];
}

export type ServerPlan =
  | { readonly tag: "plan"; readonly changes: Changes }
  | { readonly tag: "reload"; readonly reason: string };

/** A configuration that a process has read. */
export interface ReadConfiguration {
  readonly texts: readonly string[];
  readonly environment: Environment;
}

/** What to change in a process that has read `before`, now that its files say `after`, which has the same rest. */
export function planServers(before: ReadConfiguration, after: readonly string[]): ServerPlan {
  const were = differingTexts(before.texts, after).map(([old]) => old);
  if (!arePlain(after) || !arePlain(were)) {
    return reload("HAProxy may read its lines in another way");
  }
  const rest = new Rest(after, before.environment);
  const servers: ServerChange[] = [];
  const frontends: MaxconnChange[] = [];
  for (const sections of differingSections(before.texts, after)) {
    const planner = new Planner(rest, sections.defaults);
    if (sections.before.length !== sections.after.length) return reload("the sections are others");
    for (const [index, text] of sections.after.entries()) {
      const found = planner.compare(sections.before[index]!, text);
      if (typeof found === "string") return reload(found);
      servers.push(...found.servers);
      frontends.push(...found.frontends);
      const count = servers.length + frontends.length;
      if (count > MOST_CHANGES) return reload(`more than ${MOST_CHANGES} servers changed`);
    }
  }
  return { tag: "plan", changes: { servers, frontends } };
}

/** For more at once a reload is no slower. */
const MOST_CHANGES = 500;

const reload = (reason: string): ServerPlan => ({ tag: "reload", reason });

const NONE: Changes = { servers: [], frontends: [] };

/** Goes through sections in their order. */
class Planner {
  readonly #rest: Rest;
  /** The last section of defaults so far. */
  #defaults: ServerSection;

  constructor(rest: Rest, defaults: string | null) {
    this.#rest = rest;
    this.#defaults = readSection(defaults ?? "");
  }

  compare(before: string, after: string): Changes | Obstacle {
    if (areDefaults(after)) this.#defaults = readSection(after);
    if (before === after) return NONE;
    const next = readSection(after);
    const found = this.#compareSections(readSection(before), next);
    return typeof found === "string" ? `in ${next.kind} "${next.name}" ${found}` : found;
  }

  #compareSections(old: ServerSection, next: ServerSection): Changes | Obstacle {
    const limit = changedMaxconn(old, next);
    if (typeof limit === "string") return limit;
    if (!IS_NAME.test(next.name)) return "the name may stand for another";
    const obstacle = limit === null ? null : this.#rest.obstacleToMaxconn();
    if (obstacle !== null) return obstacle;
    const servers = this.#compareServerLines(old, next);
    if (typeof servers === "string") return servers;
    return { servers, frontends: limit === null ? [] : [limit] };
  }

  #compareServerLines(
    old: ServerSection,
    next: ServerSection,
  ): readonly ServerChange[] | Obstacle {
    const [were, are] = [old, next].map(({ lines }) =>
      lines.filter((line) => !begins(line, "maxconn")).join("\n")
    );
    if (were === are) return [];
    const { kind, from } = next;
    if (kind !== "backend" && kind !== "listen") return "the server lines are not those of a proxy";
    const other = from ?? this.#defaults.from;
    if (other !== null) return `the defaults are those of "${other}"`;
    const [before, after] = [this.#read(old), this.#read(next)];
    if (typeof before === "string") return before;
    if (typeof after === "string") return after;
    const changes: ServerChange[] = [];
    for (const server of new Set([...after.keys(), ...before.keys()])) {
      const change = this.#compareServers(next, server, { before, after });
      if (typeof change === "string") return `server "${server}" ${change}`;
      if (change !== null) changes.push(change);
    }
    const isRenumbered = changes.some(({ tag }) => tag !== "changed") ||
      [...before.keys()].join() !== [...after.keys()].join();
    const obstacle = isRenumbered ? this.#obstacleToNumbers(next) : null;
    return obstacle ?? obstacleToOrder(before, after) ?? changes;
  }

  #compareServers(
    section: ServerSection,
    server: string,
    { before, after }: { readonly before: Entries; readonly after: Entries },
  ): ServerChange | Obstacle | null {
    const backend = section.name;
    const [old, next] = [before.get(server), after.get(server)];
    if (next === undefined) return this.#removed(backend, server, old!);
    if (old === undefined) return this.#added(section, next);
    if (old.line === next.line && old.defaults === next.defaults) return null;
    const change = changedServer({ backend, server }, old, next);
    if (change === null || typeof change === "string") return change;
    // HAProxy works the address of a log server out once (3.0, 3.4).
    if (
      change.address !== null &&
      !/^(?:http|tcp)$/.test(this.#setting("mode", section.lines) ?? "tcp")
    ) {
      return "has another address, and may get logs";
    }
    return this.#rest.obstacleToChange(change) ?? change;
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

  #added({ name, lines }: ServerSection, entry: ServerEntry): ServerChange | Obstacle {
    const added = addedServer(name, entry);
    if (typeof added === "string") return added;
    // HAProxy would warn of it, which "zero-warning" forbids.
    if (added.words.includes("cookie") && this.#setting("mode", lines) !== "http") {
      return "is new, and has a cookie without HTTP";
    }
    return this.#rest.obstacleToAdded(added) ?? added;
  }

  #removed(backend: string, server: string, entry: ServerEntry): ServerChange | Obstacle {
    const name = { backend, server };
    return obstacleToRemoval(entry) ?? this.#rest.obstacleToRemoval(name) ??
      { tag: "removed", ...name };
  }

  #obstacleToNumbers({ lines }: ServerSection): Obstacle | null {
    const obstacle = this.#rest.obstacleToNumbers();
    if (obstacle !== null) return obstacle;
    const [algorithm = ""] = (this.#setting("balance", lines) ?? DEFAULT).split("(");
    return FREE_ALGORITHMS.has(algorithm) ? null : "the servers' places matter to the algorithm";
  }

  /** The second word of the line that counts in a section of these lines. */
  #setting(keyword: string, lines: readonly string[]): string | undefined {
    const line = [...this.#defaults.lines, ...lines].findLast((line) => begins(line, keyword));
    return line === undefined ? undefined : wordsOf(line)[1] ?? "";
  }
}

type Entries = ReadonlyMap<string, ServerEntry>;

const isDefault = (line: string) => begins(line, "default-server");

/**
 * HAProxy takes the first server of a cookie that several have, and, without `option allbackups`, the first backup
 * that is alive; a new server comes last.
 */
function obstacleToOrder(before: Entries, after: Entries): Obstacle | null {
  const isKept = (old: readonly string[], next: readonly string[]) => {
    const are = new Set(next);
    return old.filter((name) => are.has(name)).join() === next.join();
  };
  const areClear = [...after.values()].every(({ line, defaults }) => !isQuoted(line + defaults));
  if (!areClear && !isKept([...before.keys()], [...after.keys()])) {
    return "the order of servers may count, whose words only HAProxy knows";
  }
  if (!isKept(namesBy(isBackup, before), namesBy(isBackup, after))) {
    return "the order of backup servers counts";
  }
  const cookies = Map.groupBy(after, ([, entry]) => cookieOf(entry));
  cookies.delete("");
  for (const [cookie, shared] of cookies) {
    const has = (entry: ServerEntry) => cookieOf(entry) === cookie;
    if (shared.length > 1 && !isKept(namesBy(has, before), namesBy(has, after))) {
      return `the order of servers with the cookie "${cookie}" counts`;
    }
  }
  return null;
}

const namesBy = (has: (entry: ServerEntry) => boolean, entries: Entries) =>
  [...entries].filter(([, entry]) => has(entry)).map(([name]) => name);

const isBackup = ({ line, defaults }: ServerEntry) => /\bbackup\b/.test(`${line}\n${defaults}`);

const cookieOf = ({ line, defaults }: ServerEntry) =>
  [...`${defaults}\n${line}`.matchAll(/[ \t]cookie[ \t]+(\S+)/g)].at(-1)?.[1] ?? "";

/** What HAProxy allows in one, without what has a meaning in commands. */
const IS_NAME = /^[A-Za-z0-9_.:-]+$/;

/** Which of them gets the next request does not depend on the servers' numbers. */
const FREE_ALGORITHMS: ReadonlySet<string> = new Set(["roundrobin", "leastconn", "random"]);
/** Up to HAProxy 3.2; from then on "random". */
const DEFAULT = "roundrobin";
