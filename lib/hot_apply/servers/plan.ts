/** Decides how a running process comes to have other servers, or that only a reload can do it. Pure. */
import {
  readSection,
  sectionTexts,
  serverLines,
  type ServerSection,
  withoutServers,
} from "../../config/server_lines.ts";
import {
  type Address,
  fixedOptions,
  literalAddress,
  type Option,
  readDefaults,
  readServer,
  type Server,
  type Values,
  valuesOf,
} from "../../config/server_words.ts";

/** What changes of one server. */
export type ServerChange = Changed | Added | Removed;

export interface Changed extends ServerName {
  readonly tag: "changed";
  readonly isChecked: boolean;
  readonly address: Difference<Address> | null;
  readonly weight: Difference<number> | null;
  readonly maxconn: Difference<number> | null;
  readonly isDisabled: Difference<boolean> | null;
}

export interface Added extends ServerName {
  readonly tag: "added";
  readonly address: Address;
  /** As they follow the address in the command. */
  readonly words: readonly string[];
  readonly values: Values;
  readonly isChecked: boolean;
  readonly hasAgent: boolean;
}

export interface Removed extends ServerName {
  readonly tag: "removed";
}

export interface ServerName {
  readonly backend: string;
  readonly server: string;
}

export interface Difference<Value> {
  readonly from: Value;
  readonly to: Value;
}

export type ServerPlan =
  | { readonly tag: "plan"; readonly changes: readonly ServerChange[] }
  | { readonly tag: "reload"; readonly reason: string };

export interface ServerPlanOptions {
  /** Whether the process can be given new servers, and lose others, without a fault of its release. */
  readonly addsServers: boolean;
}

/**
 * What to change in a process whose configuration had the `before` lines, now that its files say `after`, which are
 * known to differ in nothing but servers.
 */
export function planServers(
  before: string,
  after: readonly string[],
  options: ServerPlanOptions,
): ServerPlan {
  const planner = new Planner(after, options);
  const [old, next] = [sectionTexts(before), sectionTexts(serverLines(after))];
  if (old.length !== next.length) return reload("its sections differ");
  const changes: ServerChange[] = [];
  for (const [index, text] of next.entries()) {
    const found = planner.compare(old[index]!, text);
    if (typeof found === "string") return reload(found);
    changes.push(...found);
    if (changes.length > MOST_CHANGES) return reload(`more than ${MOST_CHANGES} servers changed`);
  }
  return { tag: "plan", changes };
}

/** For more at once a reload is no slower. */
const MOST_CHANGES = 500;

const reload = (reason: string): ServerPlan => ({ tag: "reload", reason });

/** Why only a reload will do. */
type Obstacle = string;

class Planner {
  readonly #rest: string;
  readonly #after: readonly string[];
  readonly #addsServers: boolean;
  /** Of the last `defaults` section. */
  #defaults: ServerSection = { kind: "defaults", name: "", from: null, lines: [] };

  constructor(after: readonly string[], { addsServers }: ServerPlanOptions) {
    this.#after = after;
    this.#rest = withoutServers(after) ?? "";
    this.#addsServers = addsServers;
  }

  compare(before: string, after: string): readonly ServerChange[] | Obstacle {
    if (/^[ \t]*defaults(?!\S)/.test(after)) this.#defaults = readSection(after);
    if (before === after) return [];
    const [old, next] = [readSection(before), readSection(after)];
    const found = this.#compareSections(old, next);
    return typeof found === "string" ? `in ${next.kind} "${next.name}" ${found}` : found;
  }

  #compareSections(old: ServerSection, next: ServerSection): readonly ServerChange[] | Obstacle {
    const { kind, name, from } = next;
    if (kind !== "backend" && kind !== "listen") return "the server lines are not those of a proxy";
    if (!IS_NAME.test(name)) return "the name may stand for another";
    if (from !== null && this.#hasDefaults) return "named defaults say something of servers";
    const [before, after] = [this.#read(old), this.#read(next)];
    if (typeof before === "string") return before;
    if (typeof after === "string") return after;
    const changes: ServerChange[] = [];
    for (const [server, entry] of after) {
      const known = before.get(server);
      if (known?.line === entry.line && known.defaults === entry.defaults) continue;
      const change = known === undefined
        ? this.#added(name, entry)
        : changedFrom(known, entry, { backend: name, server });
      if (typeof change === "string") return `server "${server}" ${change}`;
      if (change !== null) changes.push(change);
    }
    const removed = [...before.keys()].filter((server) => !after.has(server));
    for (const server of removed) {
      const obstacle = this.#obstacleToRemoval(name, before.get(server)!);
      if (obstacle !== null) return `server "${server}" ${obstacle}`;
      changes.push({ tag: "removed", backend: name, server });
    }
    const left = [...before.keys()].filter((server) => after.has(server));
    const hasMoved = [...after.keys()].slice(0, left.length).some((one, at) => one !== left[at]);
    const obstacle = hasMoved || changes.some(({ tag }) => tag !== "changed")
      ? this.#obstacleToNumbers(next)
      : null;
    return obstacle ?? changes;
  }

  /** The servers by their names, in their order. */
  #read({ lines }: ServerSection): ReadonlyMap<string, Entry> | Obstacle {
    const entries = new Map<string, Entry>();
    const defaultLines = this.#defaults.lines.filter(isDefault);
    for (const line of lines) {
      if (line.startsWith("server-template")) return "has a server-template";
      if (isDefault(line)) defaultLines.push(line);
      if (!IS_SERVER.test(line)) continue;
      const name = /^server\s+(\S+)/.exec(line)?.[1] ?? "";
      if (!IS_NAME.test(name) || entries.has(name)) return "the name of a server is not plain";
      entries.set(name, { line, defaults: defaultLines.join("\n") });
    }
    return entries;
  }

  get #hasDefaults(): boolean {
    return /^[ \t]*default-server/m.test(this.#rest);
  }

  #added(backend: string, entry: Entry): Added | Obstacle {
    if (!this.#addsServers) return "is new, which this HAProxy cannot be trusted with";
    const server = serverOf(entry);
    if (server === null) return UNKNOWN;
    const { options } = server;
    const [address, values] = [literalAddress(server.address), valuesOf(server)];
    if (address === null) return "is new, and its address is not a literal one with a port";
    if (values === null) return "has a value that is not plain";
    const unfit = options.find(([keyword]) => !ADDABLE.has(keyword));
    if (unfit !== undefined) return `is new, with "${unfit[0]}"`;
    const words = options.filter(([keyword]) => keyword !== "disabled" && keyword !== "enabled")
      .flat();
    const has = (keyword: string) => options.some(([one]) => one === keyword);
    // HAProxy takes 64 words in a command.
    if (words.length > 50) return "is new, with more words than a command may have";
    return {
      ...{ tag: "added", backend, server: server.name, address, words, values },
      ...{ isChecked: has("check"), hasAgent: has("agent-check") },
    };
  }

  #obstacleToRemoval(backend: string, entry: Entry): Obstacle | null {
    const { name, options } = serverOf(entry) ?? {};
    if (name === undefined || options === undefined) return UNKNOWN;
    if (options.some(([keyword]) => keyword === "on-marked-down")) {
      return "is gone, which would end its connections";
    }
    if (/\bpersist\b/.test(this.#rest)) {
      return 'is gone, and clients could be sent to it by "persist"';
    }
    const isReferred = this.#isReferred(name) || this.#isTracked(backend, name);
    return isReferred ? "is gone, and something refers to it" : null;
  }

  #isReferred(server: string): boolean {
    for (const [, name = ""] of this.#rest.matchAll(/\buse-server[ \t]+(\S+)/g)) {
      if (name === server || /[%"'\\]/.test(name)) return true;
    }
    return [...this.#rest.matchAll(/\bsrv_\w+\(([^)]*)\)/g)]
      .some(([, name = ""]) => name.split("/").at(-1)!.trim() === server);
  }

  #isTracked(backend: string, server: string): boolean {
    const names = this.#after.flatMap((text) =>
      [...text.matchAll(/^[ \t]*(?:default-)?server.*\btrack[ \t]+(\S+)/gm)].map(([, name]) => name)
    );
    return names.some((name) => name === server || name === `${backend}/${server}`);
  }

  /** A server's number is the next free one, but after a reload that of its place. */
  #obstacleToNumbers({ lines, from }: ServerSection): Obstacle | null {
    if (from !== null) return "named defaults may choose another algorithm";
    if (/\bsrv_id\b|\bdynamic-cookie-key\b/.test(this.#rest)) return "the servers' numbers matter";
    const balance = [...this.#defaults.lines, ...lines].filter((line) => /^balance\s/.test(line))
      .at(-1);
    const [, algorithm] =
      /^balance\s+([a-z]+)(?:\(\d*\))?(?:\s|$)/.exec(balance ?? "balance random") ?? [];
    return FREE_ALGORITHMS.has(algorithm ?? "")
      ? null
      : "the servers' places matter to the algorithm";
  }
}

interface Entry {
  readonly line: string;
  /** The `default-server` lines that count for it. */
  readonly defaults: string;
}

const isDefault = (line: string) => /^default-server(?!\S)/.test(line);
const IS_SERVER = /^server[ \t]/;
/** What HAProxy allows in one, without what has a meaning in commands. */
const IS_NAME = /^[A-Za-z0-9_.:-]+$/;

const UNKNOWN = "has words whose meaning is not known here";

/** Which server gets the next request does not depend on their numbers; "random" is the default from 3.3 on. */
const FREE_ALGORITHMS: ReadonlySet<string> = new Set(["roundrobin", "leastconn", "random"]);

function serverOf({ line, defaults }: Entry): Server | null {
  const given: Option[] = [];
  for (const one of defaults === "" ? [] : defaults.split("\n")) {
    const options = readDefaults(one);
    if (options === null) return null;
    given.push(...options);
  }
  return readServer(line, given);
}

/** `null`: it means the same. */
function changedFrom(old: Entry, next: Entry, name: ServerName): Changed | Obstacle | null {
  const [before, after] = [serverOf(old), serverOf(next)];
  if (before === null || after === null) return UNKNOWN;
  const [from, to] = [valuesOf(before), valuesOf(after)];
  if (from === null || to === null) return "has a value that is not plain";
  if (JSON.stringify(fixedOptions(before)) !== JSON.stringify(fixedOptions(after))) {
    return "changed in more than its address, weight, maxconn or being disabled";
  }
  const address = before.address === after.address ? null : addressesOf(before, after);
  if (typeof address === "string") return address;
  const change: Changed = {
    ...{ tag: "changed", ...name, address },
    isChecked: after.options.some(([keyword]) => keyword === "check"),
    weight: difference(from.weight, to.weight),
    maxconn: difference(from.maxconn, to.maxconn),
    isDisabled: difference(from.isDisabled, to.isDisabled),
  };
  return obstacleTo(change, after) ?? (isEmpty(change) ? null : change);
}

function addressesOf(before: Server, after: Server): Difference<Address> | Obstacle {
  const [from, to] = [literalAddress(before.address), literalAddress(after.address)];
  return from === null || to === null
    ? "has another address, and not both are literal ones with a port"
    : { from, to };
}

const difference = <Value>(from: Value, to: Value): Difference<Value> | null =>
  from === to ? null : { from, to };

const isEmpty = ({ address, weight, maxconn, isDisabled }: Changed) =>
  address === null && weight === null && maxconn === null && isDisabled === null;

/** What goes on beside a value that changes, and would make something else of it. */
function obstacleTo(
  { address, weight, maxconn, isDisabled }: Changed,
  { options }: Server,
): Obstacle | null {
  const has = (...keywords: readonly string[]) =>
    options.find(([keyword]) => keywords.includes(keyword))?.[0];
  const other = (address && has("hash-key", "track")) ?? (weight && has("agent-check")) ??
    (maxconn && has("minconn")) ??
    (isDisabled && has("slowstart", "track", "on-marked-down", "on-marked-up"));
  return other === null || other === undefined
    ? null
    : `changed in a value that "${other}" depends on`;
}

/**
 * Words that a new server may have: those that `add server` accepts on some branch, and means as the file does.
 * Where a branch does not, it says so and adds nothing.
 */
const ADDABLE: ReadonlySet<string> = new Set([
  ...[
    "agent-addr",
    "agent-check",
    "agent-inter",
    "agent-port",
    "backup",
    "check",
    "check-send-proxy",
  ],
  ...[
    "check-sni",
    "check-ssl",
    "cookie",
    "disabled",
    "downinter",
    "enabled",
    "error-limit",
    "fall",
  ],
  ...["fastinter", "inter", "max-reuse", "maxconn", "maxqueue", "observe", "on-error"],
  ...["pool-low-conn", "pool-max-conn", "pool-purge-delay", "port", "rise", "send-proxy"],
  ...["send-proxy-v2", "tcp-ut", "weight"],
]);
