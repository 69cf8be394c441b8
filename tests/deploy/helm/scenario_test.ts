/** What the chart renders goes through the scenario that the manifests go through. */
import assert from "node:assert/strict";
import { testNeeding } from "../../support/needs.ts";
import { StandIn } from "../kubernetes/stand_in.ts";
import { asKustomize } from "./as_kustomize.ts";
import { HELM } from "./helm.ts";

testNeeding([HELM], "the scenario goes through with what the chart renders", async () => {
  await using cluster = new StandIn();
  assert.ok(await cluster.run({ find: await asKustomize() }) > 100);
  assert.ok(cluster.asked.some((words) => words.includes("rollout restart deployment/haproxy")));
});
