/** The end-to-end scenario with a stand-in for the cluster: one real wrapper that plays two pods. */
import assert from "node:assert/strict";
import { manifestOf } from "./manifests.ts";
import { type Fault, StandIn } from "./stand_in.ts";

Deno.test("the scenario passes if all is as promised", async () => {
  await using cluster = new StandIn();
  assert.ok(await cluster.run() > 100);
  assert.ok(cluster.asked.some((words) => words.includes("rollout restart deployment/haproxy")));
});

const BROKEN: readonly { what: string; change: Partial<Fault>; tells: RegExp }[] = [
  {
    what: "a refused configuration is not told",
    change: { alwaysSucceeds: true },
    tells: /says that it is refused/,
  },
  { what: "a deleted pod stays ready", change: { alwaysReady: true }, tells: /to be not ready/ },
  {
    what: "connections are cut while a pod goes",
    change: { cuts: true },
    tells: /requests failed/,
  },
  {
    what: "the termination message is empty",
    change: { message: "Error" },
    tells: /did not match.*nonsense/s,
  },
];

for (const { what, change, tells } of BROKEN) {
  Deno.test(`the scenario fails if ${what}`, async () => {
    await using cluster = new StandIn(change);
    await assert.rejects(async () => await cluster.run(), tells);
  });
}

Deno.test("the scenario names a Deployment, Services and a Secret that exist", () => {
  for (const kind of ["Deployment", "Service", "Secret", "ConfigMap"]) manifestOf(kind);
});
