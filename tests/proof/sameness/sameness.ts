/**
 * Random edits of server lines, one after the other into one running process: after each, a process started from the
 * same files must have the same servers. What needs a reload gets one.
 */
import assert from "node:assert/strict";
import { haveSameRest } from "../../../lib/config/server_lines.ts";
import { deleteServer } from "../../../lib/haproxy/runtime/server_commands.ts";
import { applyServers } from "../../../lib/hot_apply/servers/apply.ts";
import { type Changes, planServers, type ServerPlan } from "../../../lib/hot_apply/servers/plan.ts";
import { createRandom } from "../../support/random.ts";
import { BareHaproxy } from "./process.ts";
import { edited, firstSite, textOf } from "./site.ts";
import { Traffic, Upstreams } from "./traffic.ts";

export interface SamenessOptions {
  readonly seed: number;
  readonly edits: number;
  /** Whether servers are added, and those that are removed deleted, whatever release it is. */
  readonly addsServers: boolean;
  readonly onEdit?: (line: string) => unknown;
}

export interface SamenessResult {
  readonly applied: number;
  /** By the first words of their reasons. */
  readonly reloads: ReadonlyMap<string, number>;
  readonly changes: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly failures: readonly string[];
}

export async function proveSameness(options: SamenessOptions): Promise<SamenessResult> {
  const random = createRandom(options.seed);
  await using upstream = new Upstreams();
  const write = (site: ReturnType<typeof firstSite>) => textOf(site, DEFAULTS);
  let site = firstSite(random, upstream.ports);
  await using traffic = new Traffic(
    site.proxies.map(({ name }) => name).filter((name) => name.startsWith("http")),
  );
  const start = async () => {
    const haproxy = await new BareHaproxy(write(site), traffic.frontend).answers();
    traffic.begin();
    return haproxy;
  };
  let running = await start();
  const reloads = new Map<string, number>();
  const changes = new Map<string, number>();
  /** Removed, and in maintenance until the next reload. */
  let left: readonly string[] = [];
  let applied = 0;
  try {
    for (let number = 1; number <= options.edits; number++) {
      const [before, next] = [write(site), edited(site, random, upstream.ports)];
      const after = write(next);
      assert.ok(haveSameRest([before], [after]));
      const edit = `seed ${options.seed}, edit ${number}`;
      await using fresh = await new BareHaproxy(after).answers();
      const plan = planned(before, after, options);
      const result = plan.tag === "reload" ? plan : await applyServers(plan.changes, running.ask);
      if (result.tag === "applied") {
        applied++;
        for (const tag of plan.tag === "plan" ? tagsOf(plan.changes) : []) count(changes, tag);
        left = [...left, ...await removed(plan, running, options)];
        assert.deepEqual(await withoutLeft(running, left), await fresh.servers(), edit);
        options.onEdit?.(`${edit}: ${JSON.stringify(plan)}`);
      } else {
        assert.notEqual(result.tag, "unconfirmed", `${edit}: ${result.reason}`);
        options.onEdit?.(`${edit}: ${result.tag}, ${result.reason}`);
        count(reloads, result.reason.replaceAll(/"[^"]*"/g, '""'));
        // What could not be done has been undone.
        await using old = await new BareHaproxy(before).answers();
        const now = await withoutLeft(running, left);
        assert.deepEqual(now, await old.servers(), `${edit}: ${result.reason}`);
        left = [];
      }
      site = next;
      if (result.tag === "applied") continue;
      await traffic.pause();
      await running[Symbol.asyncDispose]();
      running = await start();
    }
  } finally {
    await traffic.pause();
    await running[Symbol.asyncDispose]();
  }
  const { requests, failures } = traffic;
  return { applied, reloads, changes, requests, failures };
}

const tagsOf = ({ servers, frontends }: Changes) => [
  ...servers.map(({ tag }) => tag),
  ...frontends.map(() => "limit"),
];

const count = (counts: Map<string, number>, name: string) =>
  counts.set(name, (counts.get(name) ?? 0) + 1);

function planned(before: string, after: string, { addsServers }: SamenessOptions): ServerPlan {
  const plan = planServers({ texts: [before], environment: {} }, [after]);
  const isTrusted = addsServers || plan.tag === "reload" ||
    plan.changes.servers.every(({ tag }) => tag !== "added");
  return isTrusted ? plan : { tag: "reload", reason: "a server is new" };
}

/** The names of those that are left. */
async function removed(
  plan: ServerPlan,
  { ask }: BareHaproxy,
  { addsServers }: SamenessOptions,
): Promise<readonly string[]> {
  const changes = plan.tag === "plan" ? plan.changes.servers : [];
  const names = changes.filter(({ tag }) => tag === "removed")
    .map(({ backend, server }) => `${backend}/${server}`);
  if (!addsServers) return names;
  for (const { command, accepts } of names.map(deleteServer)) {
    assert.match(await ask(command) ?? "", accepts);
  }
  return [];
}

async function withoutLeft(running: BareHaproxy, left: readonly string[]) {
  const servers = { ...await running.servers() };
  for (const name of left) {
    assert.match(servers[name] ?? "", /maintenance 1/);
    delete servers[name];
  }
  return servers;
}

const DEFAULTS = `defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
`;
