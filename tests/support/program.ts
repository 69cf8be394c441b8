/** The program under test, in the form that the environment variable `PROGRAM` names. */
import { join } from "@std/path";
import { compile } from "../dev/compile.ts";
import { PROGRAM_OPTIONS } from "../dev/deno.ts";
import { testNeeding } from "./requirements.ts";
import { HAS_STAND_INS } from "../offline/stand_ins.ts";

const ROOT = join(import.meta.dirname!, "../..");

/** `process_1`: the executable, as the first process of a pid namespace, as in a container. */
type ProgramForm = "source" | "executable" | "process_1";

export const FORM = formOf(Deno.env.get("PROGRAM") ?? "source");

export const EXECUTABLE = join(ROOT, "haproxy-reload-wrapper");

/** What a test of the executable itself lacks; `null`: nothing. */
export const missingExecutable = isThere(EXECUTABLE)
  ? null
  : "needs the executable, and `deno task compile` made none";

/** What the form under test needs and is not there; `null`: nothing. */
export const missing = FORM !== "source" && missingExecutable !== null
  ? missingExecutable
  : FORM === "process_1" && Deno.uid() !== 0
  ? "needs root, to make a pid namespace"
  : null;

/** Registers a test that runs the program. */
export const programTest = testNeeding(missing);

/** Registers a test of what is the same in every process: as process 1 it would only take its time. */
export const commonTest: typeof programTest = FORM === "process_1" ? () => {} : programTest;

/**
 * Registers a test that waits for many seconds and is the same in every form: it runs once, as the
 * executable, or in the form that `PROGRAM` names, or from source where there is no executable.
 */
export const longTest: typeof programTest = isOtherForm() ? () => {} : programTest;

/** Registers a test that runs the program and does what only root may. */
export const rootTest = testNeeding(missing ?? (Deno.uid() === 0 ? null : "needs root"));

/** The same for a test that waits for many seconds. */
export const longRootTest: typeof rootTest = isOtherForm() ? () => {} : rootTest;

function isOtherForm(): boolean {
  return FORM === "process_1" || (!Deno.env.has("PROGRAM") && isThere(EXECUTABLE));
}

/** How users start it from source. */
const OPTIONS = [
  "--quiet",
  `--config=${ROOT}/deno.json`,
  ...importOptions(),
  ...PROGRAM_OPTIONS,
];

/** The import map, where the tests run with one. */
export function importOptions(): string[] {
  return HAS_STAND_INS ? [`--import-map=${ROOT}/tests/offline/import_map.json`] : [];
}

/** The words that start the program. */
export const PROGRAM = wordsOf("main.ts", EXECUTABLE);

/**
 * The same for tests that run in one form only: the executable, which starts fastest and has just its own
 * permissions, unless `PROGRAM` names a form or there is none.
 */
export const ONE_FORM = Deno.env.has("PROGRAM") || !isThere(EXECUTABLE) ? PROGRAM : [EXECUTABLE];

/** The words to put in front, so that what they start is process 1. */
export const CONTAINMENT = FORM === "process_1"
  ? ["/usr/bin/unshare", "--fork", "--kill-child", "--pid", "--mount-proc"]
  : [];

/** The words that start another `entry` in the same way; where that takes compiling, it is made at `output`. */
export async function programLike(entry: string, output: string): Promise<string[]> {
  if (FORM !== "source") {
    const end = await compile(entry, output);
    if (end.tag !== "compiled") throw new Error(end.reason);
  }
  return wordsOf(entry, output);
}

function wordsOf(entry: string, compiled: string): string[] {
  return FORM === "source" ? [Deno.execPath(), "run", ...OPTIONS, join(ROOT, entry)] : [compiled];
}

function formOf(word: string): ProgramForm {
  if (word === "source" || word === "executable" || word === "process_1") return word;
  throw new Error(`PROGRAM: found "${word}", wanted "source", "executable" or "process_1"`);
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
