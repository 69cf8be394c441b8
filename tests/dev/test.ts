/**
 * Runs the tests: `deno task test`, all of them, and those of the program from source, as the executable, and as
 * process 1. With paths, `deno task test tests/unit/watch`, only those, in the form that the variable PROGRAM names.
 */
import { makeIfPossible } from "./compile.ts";
import { runDeno } from "./deno.ts";

/** Each runs as many files at once as there are cores, since tests mostly wait. HTTP/3 takes --unstable-net. */
const OPTIONS = ["test", "--parallel", "--unstable-net", "-A", ...sanitizers(), ...pinned()];

async function testAll(): Promise<number> {
  return await makeIfPossible() || await test(["tests/"]) ||
    await test(["tests/e2e"], "executable") ||
    await test(["tests/e2e"], "process_1");
}

async function test(paths: readonly string[], form?: string): Promise<number> {
  return await runDeno([...OPTIONS, ...paths], form ? { environment: { PROGRAM: form } } : {});
}

/** Deno 2.6 always has them switched on, and does not know the flags. */
function sanitizers(): string[] {
  const flags = ["--sanitize-ops", "--sanitize-resources"];
  const args = ["test", ...flags, "--help"];
  const asked = new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "null" });
  return asked.outputSync().success ? flags : [];
}

/** In CI the packages from npm are those that were checked there. */
function pinned(): string[] {
  return Deno.env.has("CI") ? ["--lock=.ci/npm.lock"] : [];
}

if (import.meta.main) Deno.exit(Deno.args.length > 0 ? await test(Deno.args) : await testAll());
