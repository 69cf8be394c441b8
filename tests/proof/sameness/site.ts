/** A configuration with all kinds of servers, and random edits of it. Pure. */
import type { Random } from "../../support/random.ts";

export interface Site {
  readonly proxies: readonly Proxy[];
  /** A comment at its top, as templates write it. */
  readonly comment: string;
  /** The `maxconn` of its frontend. */
  readonly limit: number;
}

export interface Proxy {
  readonly name: string;
  readonly lines: readonly string[];
  /** The lines of its servers, and `default-server` lines between them. */
  readonly servers: readonly string[];
}

/** One proxy of each algorithm and mode, below defaults that say something of servers, or not. */
export function firstSite(random: Random, ports: readonly number[]): Site {
  const algorithms = [
    ...[[], ["balance roundrobin"], ["balance leastconn"], ["balance random(2)"]],
    ...[[], ["balance roundrobin"], ["balance leastconn"], ["balance leastconn"]],
    ...[["balance first"], ["balance static-rr"], ["balance source"]],
    ["balance uri", "hash-type consistent"],
  ];
  const hasMinconn = random.below(4) === 0;
  const proxies = algorithms.flatMap((lines, index) =>
    ["http", "tcp"].map((mode): Proxy => ({
      name: `${mode}${index}`,
      lines: [`mode ${mode}`, ...mode === "http" ? ["cookie SRV insert indirect"] : [], ...lines],
      servers: [
        ...random.below(3) === 0 ? ["default-server inter 1h weight 5"] : [],
        `server keep 127.0.0.1:${ports[0]}`,
        ...random.below(3) === 0 ? ["default-server fall 5 maxconn 200"] : [],
        ...[1, 2].map((number) => newServer(`s${number}`, random, ports)),
        ...hasMinconn ? [`server least 127.0.0.1:${ports[0]} minconn 3 maxconn 9`] : [],
      ],
    }))
  );
  return { proxies, comment: "0", limit: 100 };
}

/** The files' text; `frontend` in front of its sections. */
export function textOf({ proxies, comment, limit }: Site, frontend: string): string {
  const sections = proxies.map(({ name, lines, servers }) =>
    [`backend ${name}`, ...[...lines, ...servers].map((line) => `    ${line}`)].join("\n")
  );
  // Each process has a folder of its own.
  const limited = `frontend limited\n    bind unix@limited\n    maxconn ${limit}\n`;
  return `# ${comment}\n${frontend}${limited}\n${sections.join("\n\n")}\n`;
}

/** Changes one to three things of `site`, mostly such as need no reload. */
export function edited(site: Site, random: Random, ports: readonly number[]): Site {
  let { proxies } = site;
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(proxies.length);
    const servers = editedServers(proxies[at]!.servers, random, ports);
    proxies = proxies.with(at, { ...proxies[at]!, servers });
  }
  // Beside a "minconn" it takes a reload, as all would then.
  const isFree = proxies.every(({ servers }) => !/minconn/.test(servers.join()));
  const limit = isFree && random.below(3) === 0 ? 1 + random.below(1_000) : site.limit;
  return { proxies, comment: `${random.below(1_000_000)}`, limit };
}

function editedServers(
  lines: readonly string[],
  random: Random,
  ports: readonly number[],
): readonly string[] {
  const places = lines.flatMap((line, at) => /^server s/.test(line) ? [at] : []);
  const names = lines.map((line) => line.split(" ")[1]);
  const unused = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `s${number}`)
    .filter((name) => !names.includes(name));
  const kind = random.below(12);
  if (places.length === 0 || (kind < 2 && unused.length > 0)) {
    return [...lines, newServer(random.pick(unused), random, ports)];
  }
  const at = random.pick(places);
  if (kind < 4) return lines.toSpliced(at, 1);
  if (kind === 4) return [...lines.toSpliced(at, 1), lines[at]!];
  const words = lines[at]!.split(" ");
  const [server = "", name = "", , ...options] = words;
  if (kind < 7) return lines.with(at, [server, name, address(random, ports), ...options].join(" "));
  const keyword = random.pick(KEYWORDS);
  return lines.with(at, withOption(words, keyword, random).join(" "));
}

const KEYWORDS: readonly string[] = [
  ...["weight", "weight", "weight", "maxconn", "maxconn", "disabled", "disabled", "inter"],
];

function withOption(words: readonly string[], keyword: string, random: Random): readonly string[] {
  const at = words.indexOf(keyword, 3);
  const count = keyword === "disabled" ? 1 : 2;
  const left = at < 0 ? words : words.toSpliced(at, count);
  if (keyword === "disabled" && at >= 0) return left;
  const value = keyword === "disabled" ? [] : [valueOf(keyword, random)];
  return random.below(5) === 0 ? left : [...left, keyword, ...value];
}

function valueOf(keyword: string, random: Random): string {
  if (keyword === "weight") return `${random.pick([0, 1, 7, 100, 256, random.below(257)])}`;
  return keyword === "maxconn" ? `${random.below(4) * 100}` : `${1 + random.below(3)}h`;
}

const address = (random: Random, ports: readonly number[]) =>
  random.below(6) === 0
    ? `[::1]:${random.pick(ports)}`
    : `127.0.0.${1 + random.below(9)}:${random.pick(ports)}`;

function newServer(name: string, random: Random, ports: readonly number[]): string {
  const some = OPTIONS.filter(() => random.below(9) === 0).map((option) =>
    option.replace("PORT", `${random.pick(ports)}`).replace("NUMBER", name.slice(1)).replace(
      "NAME",
      `${name}${random.below(9)}`,
    )
  );
  return ["server", name, address(random, ports), ...some].join(" ");
}

const OPTIONS: readonly string[] = [
  ...["check inter 1h", "check inter 1h fall 7 rise 4", "check inter 1h port PORT", "weight 20"],
  ...["weight 0", "maxconn 300", "backup", "disabled", "cookie NAME", "maxqueue 50"],
  ...["slowstart 10s", "on-marked-down shutdown-sessions", "error-limit 4"],
  ...["pool-max-conn 3", "tcp-ut 3s", "id 10NUMBER", "observe layer4 on-error mark-down"],
];
