/** Which changes of servers need no reload with the HAProxy at hand. */
import {
  obstacleInRelease,
  trustsAddresses,
  trustsNewServers,
} from "../../../lib/hot_apply/servers/releases.ts";

const { stdout } = new Deno.Command("haproxy", { args: ["-v"] }).outputSync();
const VERSION = /version (\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? null;

export const IS_NEW_HOT = trustsNewServers(VERSION);
export const IS_ADDRESS_HOT = trustsAddresses(VERSION);

const MAXCONN = { servers: [], frontends: [{ frontend: "page", from: 100, to: 60 }] };
export const IS_MAXCONN_HOT = obstacleInRelease(MAXCONN, VERSION) === null;
