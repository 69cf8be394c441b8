/** One line that tells on what the figures were measured. */
import { spawnHaproxy } from "../../lib/haproxy/process.ts";

export async function machine(): Promise<string> {
  return [
    `Deno ${Deno.version.deno}`,
    await haproxyVersion(),
    `${navigator.hardwareConcurrency} cores`,
    new Date().toISOString().slice(0, 10),
  ].join(", ");
}

async function haproxyVersion(): Promise<string> {
  const spawned = spawnHaproxy(["-v"], { environment: {}, output: "captured" });
  if (spawned.tag === "not_spawned") return `haproxy: ${spawned.reason}`;
  const version = /HA-?Proxy version (\S+)/.exec(await spawned.process.output)?.[1];
  return `HAProxy ${version ?? "of unknown version"}`;
}
