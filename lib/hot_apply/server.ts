/** Servers: what their lines in the configuration say now, if nothing else in it differs. */
import type { HotServer } from "../haproxy/private_folder/passed_state.ts";
import type { Ask } from "../haproxy/runtime/client.ts";
import { askVersion } from "../haproxy/runtime/instance.ts";
import { digestWithoutServers } from "../loaded/servers.ts";
import type { ServersTarget } from "../loaded/targets.ts";
import { applyServers } from "./servers/apply.ts";
import { describeChanges } from "./servers/description.ts";
import { type Changes, planServers } from "./servers/plan.ts";
import { trustsNewServers } from "./servers/releases.ts";
import { type Content, impossible, type Plan, type Result } from "./target_kind.ts";

export const server = { noun: "servers of", plan };

async function plan(target: ServersTarget, { texts }: Content): Promise<Plan> {
  if (await digestWithoutServers(texts) !== target.others) {
    return impossible("it differs in more than servers");
  }
  const plan = planServers(target.lines, texts);
  if (plan.tag === "reload") return impossible(plan.reason);
  const { changes, lines } = plan;
  const after = { ...target, lines, hot: hotAfter(target, changes.servers) };
  return { tag: "ready", apply: (ask) => apply(changes, after, ask) };
}

async function apply(
  changes: Changes,
  after: ServersTarget,
  ask: Ask,
): Promise<Result> {
  const added = changes.servers.find(({ tag }) => tag === "added");
  if (added !== undefined && !trustsNewServers(await askVersion(ask))) {
    return impossible(`server "${added.server}" is new, ${UNTRUSTED}`);
  }
  const result = await applyServers(changes, ask);
  if (result.tag !== "applied") return result;
  return { tag: "applied", detail: describeChanges(changes, result.overridden), after };
}

const UNTRUSTED = "and adding one is not known to be safe in this release of HAProxy";

function hotAfter(
  { hot }: ServersTarget,
  changes: Changes["servers"],
): ReadonlyMap<string, HotServer> {
  const values = changes.map((change) =>
    [
      `${change.backend}/${change.server}`,
      change.tag === "removed" ? null : change.values,
    ] as const
  );
  const all = new Map([...hot, ...values]);
  const removed = [...all].filter(([, values]) => values === null).map(([name]) => name);
  for (const name of removed.slice(0, -MOST_REMOVED)) all.delete(name);
  return all;
}

/** Nearly all have been deleted long since; servers may come and go for months without a reload. */
const MOST_REMOVED = 1_000;
