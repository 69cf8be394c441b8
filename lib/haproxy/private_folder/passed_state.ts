/** Corrects what a process says about its servers, where the configuration has changed since then. Pure. */
import {
  arePlain,
  begins,
  differingTexts,
  isQuoted,
  readSection,
  sectionTexts,
  serverLines,
  wordsOf,
} from "../../config/server_lines.ts";

export interface StateContext {
  /** The configuration that the process has, its hot applies included; `null`: unknown. */
  readonly before: readonly string[] | null;
  /** That which its successor reads. */
  readonly after: readonly string[];
  /** What was hot-applied in the process, by the full names of the servers. */
  readonly hot: ReadonlyMap<string, HotServer>;
  /** Servers that are not passed on: they were removed, or what a hot apply did to them is unknown. */
  readonly forgotten?: ReadonlySet<string>;
}

/** What the files said about a server when it was last hot-applied. */
export interface HotServer {
  readonly weight: number;
  readonly isDisabled: boolean;
}

/**
 * The answer to `show servers state` for a successor to load. Uncorrected (HAProxy 2.6 to 3.4),
 * - another port in the file would never count, nor `ssl`, nor another port for checks: these are taken from the state,
 *   whatever the configuration says; where the file's port cannot be read, the server's row is dropped;
 * - a server without checks would stay down for good once `disabled` or `check` is removed from its line;
 * - a hot-applied weight would come back when the file returns to the one before, which the state names as the
 *   configuration's because the process started with it;
 * - a server that a hot apply disabled would stay in maintenance when the file enables it.
 */
export function passedState(
  state: string,
  { before, after, hot, forgotten = new Set() }: StateContext,
): string {
  const { servers: changed, unnamed, isKnown } = changedServers(before, after);
  const names = [...changed.keys(), ...hot.keys(), ...forgotten];
  const backends = new Set([...names.map(backendOf), ...unnamed.keys()]);
  if (backends.size === 0 && isKnown === null) return state;
  return state.replace(rowsOf(isKnown === null ? backends : null), (row) => {
    const fields = row.trimEnd().split(" ");
    const [backend, server] = [fields[Field.backend]!, fields[Field.server]!];
    const name = `${backend}/${server}`;
    const [values, change] = [hot.get(name), changed.get(name)];
    const isUnknown = unnamed.get(backend)?.has(server) === false ||
      isKnown?.(backend, server) === false;
    if (forgotten.has(name) || isUnknown || change?.port === null) return "";
    if (values === undefined && change === undefined) return row;
    if (values !== undefined) {
      fields[Field.configuredWeight] = `${values.weight}`;
      fields[Field.admin] = adminState(Number(fields[Field.admin]), values.isDisabled);
    }
    const isInMaintenance = (Number(fields[Field.admin]) & FORCED_MAINTENANCE) !== 0;
    if (isInMaintenance || change?.isRevived) fields[Field.operation] = RUNNING;
    if (change === undefined) return `${fields.join(" ")}\n`;
    fields[Field.port] = change.port ?? fields[Field.port]!;
    return `${fields.slice(0, Field.firstOptional).join(" ")}\n`;
  });
}

/** Where a field stands in a row. */
const Field = {
  backend: 1,
  server: 3,
  operation: 5,
  admin: 6,
  configuredWeight: 8,
  port: 18,
  /** From here on: `ssl`, and the addresses of checks and agent. */
  firstOptional: 20,
} as const;

const RUNNING = "2";

/** In `srv_admin_state`: set by a command or by the configuration. */
const FORCED_MAINTENANCE = 0x01;
/** The configuration says `disabled`. */
const BY_CONFIGURATION = 0x04;

const adminState = (state: number, isDisabled: boolean) =>
  `${isDisabled ? state | BY_CONFIGURATION : state & ~BY_CONFIGURATION}`;

const backendOf = (name: string) => name.slice(0, name.indexOf("/"));

/** A regular expression with more names is slower than reading each row. */
const MOST_NAMES = 100;

/** `null`: those of all. */
function rowsOf(backends: ReadonlySet<string> | null): RegExp {
  const names = backends === null || backends.size > MOST_NAMES
    ? "\\S+"
    : [...backends].map(RegExp.escape).join("|");
  return new RegExp(`^\\d+ (?:${names}) \\d+ .*(?:\\n|$)`, "gm");
}

interface LineChange {
  /** `undefined`: that of the process; `null`: only HAProxy knows it. */
  readonly port: string | null | undefined;
  /** Whether its having been found dead no longer counts. */
  readonly isRevived: boolean;
}

interface Changed {
  /** By their full names. */
  readonly servers: ReadonlyMap<string, LineChange>;
  /** Backends in which a line changed that names no server, such as a template, and the servers that others name. */
  readonly unnamed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether a line may be that of the server; `null`: of each there is one. */
  readonly isKnown: ((backend: string, server: string) => boolean) | null;
}

const NONE: Changed = { servers: new Map(), unnamed: new Map(), isKnown: null };

/** What may have changed about the servers in `after`. */
function changedServers(before: readonly string[] | null, after: readonly string[]): Changed {
  if (before !== null && haveSameServers(before, after)) return NONE;
  const next = partsOf(after);
  // Only HAProxy knows which branch of an `.if` counts, and so in which section a server is.
  const isKnown = arePlain(after) ? null : hasLineIn(next, before === null);
  if (before === null) return { servers: allServers(next), unnamed: new Map(), isKnown };
  const changed = new Map<string, LineChange>();
  const unnamed = new Map<string, ReadonlySet<string>>();
  const old = partsOf(before);
  for (const [backend, text] of next.proxies) {
    const known = old.proxies.get(backend);
    if (known === undefined || (known === text && old.defaults === next.defaults)) continue;
    const [were, are] = [serversOf(known), serversOf(text)];
    if (were.unnamed !== are.unnamed) unnamed.set(backend, new Set(are.servers.keys()));
    const isOther = old.defaults !== next.defaults || were.defaults !== are.defaults;
    for (const [server, line] of are.servers) {
      const was = were.servers.get(server);
      if (was === undefined || (was === line && !isOther)) continue;
      const isSame = wordsOf(was)[2] === wordsOf(line)[2];
      const port = portOf(line) ?? (isSame ? undefined : null);
      changed.set(`${backend}/${server}`, { port, isRevived: isRevived(was, line) });
    }
  }
  return { servers: changed, unnamed, isKnown };
}

/** Most changes are elsewhere. */
const haveSameServers = (before: readonly string[], after: readonly string[]) =>
  before.length === after.length &&
  differingTexts(before, after).every(([old, next]) => serverLines([old]) === serverLines([next]));

/** `isFirstLook`: one of several lines for a server may be another than before. */
function hasLineIn({ proxies }: Parts, isFirstLook: boolean) {
  const all = new Map([...proxies].map(([backend, text]) => [backend, serversOf(text)]));
  return (backend: string, server: string) => {
    const { servers, unnamed, several } = all.get(backend) ?? NO_SERVERS;
    const isOneOfThem = several.has(server) && !isFirstLook;
    return servers.has(server) || isOneOfThem || (unnamed !== "" && !several.has(server));
  };
}

const NO_SERVERS = { servers: new Map(), unnamed: "", several: new Map() };

/** Any of them may have changed. */
function allServers({ proxies, defaults }: Parts): ReadonlyMap<string, LineChange> {
  const lines = [defaults, ...proxies.values()].join("\n");
  const areChecked = /^[ \t]*default-server[ \t][^\n]*\bcheck\b/m.test(lines);
  return new Map(
    [...proxies].flatMap(([backend, text]) =>
      [...serversOf(text).servers].map(([server, line]) =>
        [
          `${backend}/${server}`,
          {
            port: portOf(line) ?? undefined,
            isRevived: !areChecked && !wordsOf(line).includes("check"),
          },
        ] as const
      )
    ),
  );
}

interface Parts {
  /** Of all sections of defaults. */
  readonly defaults: string;
  /** By backend. */
  readonly proxies: ReadonlyMap<string, string>;
}

function partsOf(texts: readonly string[]): Parts {
  const defaults: string[] = [];
  const proxies = new Map<string, string>();
  for (const text of sectionTexts(serverLines(texts))) {
    const [, kind, name] = /^\s*(defaults|backend|listen)(?:[ \t]+([^\s#]+))?/.exec(text) ?? [];
    if (kind === "defaults") defaults.push(text);
    else if (name !== undefined) {
      const backend = isQuoted(name) ? readSection(text).name : name;
      // Under `.if` it may be there twice.
      proxies.set(backend, `${proxies.get(backend) ?? ""}\n${text}`.trimStart());
    }
  }
  return { defaults: defaults.join("\n"), proxies };
}

function serversOf(text: string) {
  const { lines } = readSection(text);
  const linesOf = (keyword: string) => lines.filter((line) => begins(line, keyword));
  const byName = Map.groupBy(new Set(linesOf("server")), (line) => wordsOf(line)[1] ?? "");
  const isOne = ([name, own]: readonly [string, readonly string[]]) =>
    !isQuoted(name) && own.length === 1;
  const others = [...byName].filter((one) => !isOne(one));
  return {
    defaults: linesOf("default-server").join("\n"),
    servers: new Map([...byName].filter(isOne).map(([name, [line]]) => [name, line!])),
    /** Those of which HAProxy takes one, below an `.if`. */
    several: new Map(others.filter(([name]) => !isQuoted(name))),
    unnamed: [...linesOf("server-template"), ...others.flatMap(([, own]) => own)].join("\n"),
  };
}

function isRevived(before: string, after: string): boolean {
  const [old, next] = [wordsOf(before), wordsOf(after)];
  return old[2] !== next[2] || (old.includes("check") && !next.includes("check"));
}

function portOf(line: string): string | null {
  const address = wordsOf(line)[2] ?? "";
  if (isQuoted(address)) return null;
  const [, port] = /^(?:[^:/]+|\[.*\]|.*:.*):\+?(\d+)$/.exec(address) ?? [];
  return port ?? (/^[^:/@]+$|^(?:unix@|abnsz?@)?\//.test(address) ? "0" : null);
}
