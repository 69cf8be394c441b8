/** The main promise under load: reloads, even failing ones, cost no request. */
import assert from "node:assert/strict";
import { type Address, connectPlain } from "../../support/clients/connection.ts";
import { Bystander } from "../../support/haproxy/bystander.ts";
import { Http1Connection } from "../../support/clients/http1.ts";
import { Load } from "../../support/clients/load.ts";
import { programTest } from "../../support/wrapper/program.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

const CLIENTS = 8;
const RELOADS = 20;
/** One in so many reloads is refused, because its port is taken. */
const REFUSED_EVERY = 5;
const LONGEST_GAP_MS = 500;

programTest("8 clients lose no request in 20 reloads, 4 of them refused", async () => {
  await using workspace = new Workspace();
  await using bystander = await Bystander.answering();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const wrapper = await workspace.serve();
  const client = (to: Address) => ({
    name: "new connection",
    open: async () => new Http1Connection(await connectPlain(to), { isOnlyOne: true }),
  });
  const clients = Array.from({ length: CLIENTS }, () => client(workspace));
  const options = { pauseMs: 1, wanted: /^(?:one|reload \d+)$/, bystander: client(bystander) };
  await using load = new Load(clients, options);
  for (let number = 1; number <= RELOADS; number++) {
    const refused = number % REFUSED_EVERY === 0;
    const bind = refused ? `    bind 127.0.0.1:${taken.addr.port}\n` : "";
    const generation = wrapper.lastGeneration + 1;
    await workspace.replace(workspace.page(`reload ${number}`) + bind);
    const end = refused ? "rejected" : "serves";
    await wrapper.says(`generation ${generation} ${end}`);
  }
  await load.stop();
  assert.deepEqual(load.failures, [], wrapper.output);
  assert.ok(load.answers > RELOADS * CLIENTS, `only ${load.answers} answers`);
  const gapMs = load.takeLongestGapMs();
  assert.ok(gapMs < LONGEST_GAP_MS, `a client waited ${gapMs} ms`);
});
