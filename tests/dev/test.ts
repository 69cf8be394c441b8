/**
 * Runs the tests. `deno task test` runs all, with the program from source, as the executable and as process 1;
 * `deno task test PATH…` runs only those, in the form that the variable PROGRAM names.
 */
import { makeIfPossible } from "./compile.ts";
import { runDeno } from "./deno.ts";

/** HTTP/3 needs --unstable-net. */
const OPTIONS = ["test", "--parallel", "--unstable-net", "-A", ...sanitizers(), ...pinned()];

async function testAll(): Promise<number> {
  return await makeIfPossible() || await test(["tests/"]) ||
    await test(["tests/e2e"], "executable") ||
    await test(["tests/e2e"], "process_1");
}

async function test(paths: readonly string[], form?: string): Promise<number> {
  return await runDeno([...OPTIONS, ...paths], {
    environment: { DENO_JOBS: JOBS, ...form ? { PROGRAM: form } : {} },
  });
}

/** Files at a time: more than cores, as tests mostly wait. */
const JOBS = Deno.env.get("DENO_JOBS") ?? `${navigator.hardwareConcurrency + 1}`;

/** Always on in Deno 2.6, which does not know the flags. */
function sanitizers(): string[] {
  const flags = ["--sanitize-ops", "--sanitize-resources"];
  const args = ["test", ...flags, "--help"];
  const asked = new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "null" });
  return asked.outputSync().success ? flags : [];
}

/** In CI, npm packages are pinned. */
function pinned(): string[] {
  return Deno.env.has("CI") ? ["--lock=.ci/npm.lock"] : [];
}

if (import.meta.main) Deno.exit(Deno.args.length > 0 ? await test(Deno.args) : await testAll());
