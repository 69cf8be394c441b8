/** The proof in short: it finds nothing wrong with the wrapper, and much with a plain restart. */
import assert from "node:assert/strict";
import { programTest } from "../support/wrapper/program.ts";
import { type Campaign, runCampaign, SHORT_PAUSE_MS } from "./run/campaign.ts";
import { CONTESTANTS, type Entry } from "./contestants/contestants.ts";
import { startRestarting } from "./contestants/restarting.ts";
import { quic } from "../support/needs.ts";
import { isOfQuic, kindNames } from "./load/kinds.ts";
import { failedRequests, kindsOf, refusedMs, servedMs } from "./report/results.ts";
import { run as sampleRun } from "./report/samples.ts";
import { faultsOf } from "./report/verdict.ts";

const HAS_QUIC = quic().missing === null;
const KINDS_HERE = kindNames({ hasQuic: HAS_QUIC });

interface Run {
  readonly campaign: Campaign;
  /** What was reported about reloads that ended otherwise. */
  readonly said: string;
}

async function run(entry: Entry, reloads: number): Promise<Run> {
  await using room = new AsyncDisposableStack();
  const plan = { until: { reloads }, pauseMs: SHORT_PAUSE_MS, sampleMs: 500 };
  const lines: string[] = [];
  const campaign = await runCampaign(room, entry, { plan, report: (line) => lines.push(line) });
  return { campaign, said: lines.join("\n") };
}

const faults = (wrapper: Campaign) => faultsOf(sampleRun({ wrapper }));

programTest(
  "12 reloads by the wrapper, 3 of them refused, fail no request of any kind but over QUIC",
  async () => {
    const { campaign, said } = await run(CONTESTANTS.wrapper, 12);
    assert.deepEqual(faults(campaign), [], said);
    assert.equal(servedMs(campaign).length, 9);
    assert.equal(refusedMs(campaign).length, 3);
    assert.deepEqual(kindsOf(campaign).map(({ name }) => name), KINDS_HERE);
    for (const { name, figures } of kindsOf(campaign)) assert.ok(figures.requests > 20, name);
    assert.ok(campaign.load.keep_alive_closing.announcedEnds > 0);
    const supervisors = campaign.samples.map(({ supervisor }) => supervisor?.memory ?? 0);
    assert.ok(supervisors.every((memory) => memory > 1_000), `${supervisors}`);
  },
);

Deno.test("5 restarts fail requests of each kind, in each way that a restart can", async () => {
  const { campaign } = await run({ title: "restarting", start: startRestarting }, 5);
  for (const { name, figures } of kindsOf(campaign).filter(({ name }) => !isOfQuic(name))) {
    assert.ok((figures.failures.refused ?? 0) > 0, `none was refused: ${name}`);
  }
  // A new QUIC connection is retried by itself; a kept one is lost.
  if (HAS_QUIC) assert.ok(failedRequests(campaign, { overQuic: true }) > 0);
  assert.ok((campaign.load.tcp.failures.cut ?? 0) > 0, "no connection was cut");
  assert.ok(faults(campaign).length >= KINDS_HERE.filter((name) => !isOfQuic(name)).length);
  assert.ok(campaign.load.tcp.examples.some(({ kind, reload }) => kind === "cut" && reload > 0));
});
