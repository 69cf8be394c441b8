/**
 * The proof of sameness in full, from a seed that is printed first: `deno task proof:servers [--seed S] [--edits N]`.
 * Half of the edits go to a process in which servers are also added and deleted.
 */
import { parseArgs } from "node:util";
import { proveSameness } from "./sameness.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, edits: { type: "string" } } });
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1);
const edits = Number(values.edits ?? 2_000);
if (![seed, edits].every(Number.isSafeInteger)) {
  console.error("--seed and --edits want whole numbers");
  Deno.exit(64);
}

console.log(`seed ${seed}: ${edits} edits`);
let isRight = true;
for (const addsServers of [true, false]) {
  let count = 0;
  const result = await proveSameness({
    seed,
    edits: Math.ceil(edits / 2),
    addsServers,
    onEdit: () => ++count % 100 === 0 && console.log(`${count} edits`),
  });
  const { applied, changes, reloads, requests, failures } = result;
  console.log(`${applied} hot applies: ${describe(changes)}`);
  console.log(`reloads: ${describe(reloads)}`);
  console.log(`${requests} requests, ${failures.length} failed ${failures.slice(0, 5).join(", ")}`);
  isRight &&= failures.length === 0 && applied > edits / 10;
}
Deno.exit(isRight ? 0 : 1);

function describe(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort(([, one], [, other]) => other - one)
    .map(([name, number]) => `${number} × ${name}`).join(", ");
}
