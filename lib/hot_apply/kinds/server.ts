/** Servers: what their lines in the configuration say now, if nothing else in it differs. */
import type { Ask } from "../../haproxy/runtime/client.ts";
import { askVersion } from "../../haproxy/runtime/instance.ts";
import { digestWithoutServers } from "../../loaded/servers.ts";
import type { ServersTarget } from "../../loaded/targets.ts";
import { applyServers } from "../servers/apply.ts";
import { describeChanges } from "../servers/description.ts";
import { type Changes, planServers } from "../servers/plan.ts";
import { obstacleInRelease } from "../servers/releases.ts";
import { nameOf } from "../servers/server_change.ts";
import { type Content, impossible, type Plan, type Result } from "./target_kind.ts";

export const server = { plan };

async function plan(target: ServersTarget, { texts }: Content): Promise<Plan> {
  if (await digestWithoutServers(texts) !== target.others) {
    return impossible("it differs in more than servers");
  }
  const plan = planServers(target.lines, texts);
  if (plan.tag === "reload") return impossible(plan.reason);
  const { changes, lines } = plan;
  const after = { ...target, ...hotAfter(target, changes.servers), lines };
  return { tag: "ready", apply: (ask) => apply(changes, { before: target, after }, ask) };
}

async function apply(
  changes: Changes,
  { before, after }: Readonly<Record<"before" | "after", ServersTarget>>,
  ask: Ask,
): Promise<Result> {
  const obstacle = obstacleInRelease(changes, await askVersion(ask));
  if (obstacle !== null) return impossible(obstacle);
  const result = await applyServers(changes, ask);
  if (result.tag === "unconfirmed") {
    return { ...result, after: { ...before, doubtful: changes.servers.map(nameOf) } };
  }
  if (result.tag !== "applied") return result;
  return { tag: "applied", detail: describeChanges(changes, result.overridden), after };
}

function hotAfter(
  { hot }: ServersTarget,
  changes: Changes["servers"],
): Pick<ServersTarget, "hot" | "removed"> {
  const after = new Map(hot);
  const removed: string[] = [];
  for (const change of changes) {
    const name = nameOf(change);
    if (change.tag === "removed") {
      after.delete(name);
      removed.push(name);
    } else after.set(name, change.values);
  }
  return { hot: after, removed };
}
