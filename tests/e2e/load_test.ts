/** The main promise, under load: reloads, even failing ones, cost not one request. */
import assert from "node:assert/strict";
import { programTest } from "../support/program.ts";
import { freePort, Workspace } from "../support/wrapper.ts";

const CLIENTS = 8;
const RELOADS = 20;
/** Every so many reloads one is refused, because it wants a port that somebody has. */
const REFUSED_EVERY = 5;
const LONGEST_GAP_MS = 500;

programTest("8 clients lose no request in 20 reloads, 4 of them refused", async () => {
  await using workspace = new Workspace();
  const taken = freePort();
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: taken });
  const wrapper = await workspace.serve();
  const clients = Array.from({ length: CLIENTS }, () => new Client(workspace));
  const running = clients.map((client) => client.run());
  for (let number = 1; number <= RELOADS; number++) {
    const refused = number % REFUSED_EVERY === 0;
    const bind = refused ? `    bind 127.0.0.1:${taken}\n` : "";
    const generation = wrapper.lastGeneration + 1;
    await workspace.replace(workspace.page(`reload ${number}`) + bind);
    const end = refused ? "rejected" : "serves";
    await wrapper.saysMatching(new RegExp(`generation ${generation} ${end}`));
  }
  clients.forEach((client) => client.stop());
  await Promise.all(running);
  const answers = clients.map((client) => client.answers).reduce((sum, one) => sum + one);
  const failures = clients.flatMap((client) => client.failures);
  assert.deepEqual(failures, [], wrapper.output);
  assert.ok(answers > RELOADS * CLIENTS, `only ${answers} answers`);
  const longestGapMs = Math.max(...clients.map((client) => client.longestGapMs));
  assert.ok(longestGapMs < LONGEST_GAP_MS, `a client waited ${longestGapMs} ms`);
});

/** Asks again and again, with a new connection for each request. */
class Client {
  answers = 0;
  longestGapMs = 0;
  readonly failures: string[] = [];
  #stopped = false;

  constructor(readonly workspace: Workspace) {}

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    let lastMs = performance.now();
    while (!this.#stopped) {
      const answer = await this.workspace.get();
      const nowMs = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, nowMs - lastMs);
      lastMs = nowMs;
      if (answer === "one" || answer?.startsWith("reload ")) this.answers += 1;
      else this.failures.push(`${answer} after ${this.answers} answers`);
    }
  }
}
