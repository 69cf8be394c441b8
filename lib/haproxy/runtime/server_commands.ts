/** The Runtime API's commands for servers, and what its answers say. */
import type { Ask } from "./client.ts";

/** What a process shows of one server. */
export interface ServerState {
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  /** 0: no limit. */
  readonly maxconn: number;
  /** Set by the configuration or by a command, not by a server that it tracks. */
  readonly isInMaintenance: boolean;
  readonly isDraining: boolean;
  /** Found dead by its checks. */
  readonly isDown: boolean;
}

/** The servers of a backend by their names; `null` if there is no such backend, or the process does not answer. */
export async function showServers(
  ask: Ask,
  backend: string,
): Promise<ReadonlyMap<string, ServerState> | null> {
  const states = await ask(`show servers state ${backend}`);
  const rows = states === null ? null : parseStates(states);
  if (rows === null || rows.length === 0) return rows && new Map();
  // By its number, because a frontend may have the same name.
  const stats = await ask(`show stat ${rows[0]!.be_id} ${SERVERS_ALONE}`);
  return stats === null ? null : serversOf(rows, parseLimits(stats));
}

/** The most connections of a frontend; `null` if there is no such frontend, or the process does not answer. */
export async function showFrontendMaxconn(ask: Ask, frontend: string): Promise<number | null> {
  const stats = await ask(`show stat ${frontend} ${FRONTEND_ALONE}`);
  return stats === null ? null : parseLimits(stats).get("FRONTEND") ?? null;
}

/** Reads the answer to `show servers state`. Pure. */
export function parseStates(answer: string): readonly StateRow[] | null {
  const [version, header = "", ...lines] = answer.split("\n");
  if (version !== "1" || !header.startsWith("# ")) return null;
  const columns = header.slice(2).split(" ");
  return lines.filter((line) => line !== "").map((line) => {
    const fields = line.split(" ");
    return Object.fromEntries(columns.map((name, index) => [name, fields[index]]));
  });
}

/** By the names of the columns. */
export type StateRow = Readonly<Record<string, string | undefined>>;

/** Reads the `maxconn` of each server or of the frontend from the answer to `show stat`. Pure. */
export function parseLimits(answer: string): ReadonlyMap<string, number> {
  const [header = "", ...lines] = answer.replace("# ", "").split("\n");
  const columns = header.split(",");
  const [name, limit] = [columns.indexOf("svname"), columns.indexOf("slim")];
  const rows = lines.map((line) => line.split(",")).filter((fields) => fields.length > limit);
  return new Map(rows.map((fields) => [fields[name]!, Number(fields[limit] || 0)]));
}

function serversOf(
  rows: readonly StateRow[],
  limits: ReadonlyMap<string, number>,
): ReadonlyMap<string, ServerState> | null {
  const servers = new Map<string, ServerState>();
  for (const row of rows) {
    const name = row.srv_name ?? "";
    const maxconn = limits.get(name);
    if (maxconn === undefined) return null;
    const admin = Number(row.srv_admin_state) & ~BY_CONFIGURATION;
    servers.set(name, {
      ip: row.srv_addr ?? "",
      port: Number(row.srv_port),
      weight: Number(row.srv_uweight),
      maxconn,
      isInMaintenance: (admin & FORCED_MAINTENANCE) !== 0,
      isDraining: (admin & FORCED_DRAIN) !== 0,
      isDown: admin === 0 && row.srv_op_state === "0",
    });
  }
  return servers;
}

const SERVERS_ALONE = "4 -1";
const FRONTEND_ALONE = "1 -1";

/** Of `srv_admin_state`: set by `state maint`, or by `disabled` in the configuration. */
const FORCED_MAINTENANCE = 0x01;
/** `disabled` in the configuration; the bit stays when a command ends the maintenance. */
export const BY_CONFIGURATION = 0x04;
const FORCED_DRAIN = 0x08;

/** A command, and HAProxy's answer once it has carried that out. */
export interface ServerCommand {
  readonly command: string;
  readonly accepts: RegExp;
}

const silent = (command: string): ServerCommand => ({ command, accepts: /^\s*$/ });

export const setWeight = (server: string, weight: number) =>
  silent(`set server ${server} weight ${weight}`);

export const setMaxconn = (server: string, maxconn: number) =>
  silent(`set maxconn server ${server} ${maxconn}`);

export const setFrontendMaxconn = (frontend: string, maxconn: number) =>
  silent(`set maxconn frontend ${frontend} ${maxconn}`);

export const setState = (server: string, state: "ready" | "drain" | "maint") =>
  silent(`set server ${server} state ${state}`);

/** For a server at a new address: it counts as alive there until its checks find otherwise. */
export const setHealthy = (server: string) => silent(`set server ${server} health up`);

export const enable = (what: "health" | "agent", server: string) =>
  silent(`enable ${what} ${server}`);

export const setAddress = (
  server: string,
  { ip, port }: Pick<ServerState, "ip" | "port">,
): ServerCommand => ({
  command: `set server ${server} addr ${ip} port ${port}`,
  accepts: /^(?:(?:no need to change|IP changed|port changed|nothing changed)[^\n]*)\s*$/,
});

/** The new server is in maintenance until it is made ready. */
export const addServer = (
  server: string,
  { address: { ip, port }, words }: {
    readonly address: Pick<ServerState, "ip" | "port">;
    readonly words: readonly string[];
  },
): ServerCommand => ({
  command: [
    ...["add", "server", server, `${ip.includes(":") ? `[${ip}]` : ip}:${port}`],
    ...words,
  ].join(" "),
  accepts: /^New server registered\.\s*$/,
});

/** HAProxy refuses as long as connections are left. A server that is already gone counts as deleted. */
export const deleteServer = (server: string): ServerCommand => ({
  command: `del server ${server}`,
  accepts: /^(?:Server deleted|No such server)\.\s*$/,
});
