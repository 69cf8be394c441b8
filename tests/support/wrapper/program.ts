/** The program under test, in the form that the environment variable `PROGRAM` names. */
import { join } from "@std/path";
import { compile } from "../../dev/compile.ts";
import { PROGRAM_OPTIONS } from "../../dev/deno.ts";
import { isThere } from "../machine/files.ts";
import { type Need, ROOT, type TestBody, testNeeding } from "../needs.ts";

const FOLDER = join(import.meta.dirname!, "../../..");

/** `process_1`: the executable, as the first process of a pid namespace, as in a container. */
type ProgramForm = "source" | "executable" | "process_1";

export const FORM = formOf(Deno.env.get("PROGRAM") ?? "source");

export const EXECUTABLE = join(FOLDER, "haproxy-reload-wrapper");

const HAS_EXECUTABLE = isThere(EXECUTABLE);

export const COMPILED: Need = {
  missing: HAS_EXECUTABLE ? null : "needs the executable, and `deno task compile` made none",
};

/** The program, in its form. */
export const RUNNABLE: Need = FORM === "source"
  ? { missing: null }
  : FORM === "process_1" && COMPILED.missing === null
  ? { missing: ROOT.missing === null ? null : "needs root, to make a pid namespace" }
  : COMPILED;

/** For what is the same in every process: as process 1 it would only take time. */
export const NOT_AS_PROCESS_1: Need = { missing: null, isElsewhere: FORM === "process_1" };

/**
 * For what takes many seconds and is the same in every form: as the executable, or in the form that
 * `PROGRAM` names, or from source where there is no executable.
 */
export const IN_ONE_FORM: Need = {
  missing: null,
  isElsewhere: FORM === "process_1" || (!Deno.env.has("PROGRAM") && HAS_EXECUTABLE),
};

type Register = (name: string, body: TestBody) => void;

/** They register tests of the program: in each form, in each but process 1, the same as root, and in one form. */
export const programTest: Register = (...test) => testNeeding([RUNNABLE], ...test);
export const commonTest: Register = (...test) => testNeeding([RUNNABLE, NOT_AS_PROCESS_1], ...test);
export const rootTest: Register = (...test) =>
  testNeeding([RUNNABLE, ROOT, NOT_AS_PROCESS_1], ...test);
export const longTest: Register = (...test) => testNeeding([RUNNABLE, IN_ONE_FORM], ...test);

/** Whether the tests run with what stands in for the @std packages: Deno knows those by their address on the network. */
export const HAS_STAND_INS = import.meta.resolve("@std/path").startsWith("file:");

/** The import map, where the tests run with one. */
export const IMPORT_OPTIONS = HAS_STAND_INS
  ? [`--import-map=${FOLDER}/tests/offline/import_map.json`]
  : [];

const KEEPS_EVENTS = Number(Deno.version.deno.split(".")[1]) >= 9;

/** How users start it from source. */
const OPTIONS = ["--quiet", `--config=${FOLDER}/deno.json`, ...IMPORT_OPTIONS, ...PROGRAM_OPTIONS];

/** The words that start the program. */
export const PROGRAM = wordsOf("main.ts", EXECUTABLE);

/**
 * The same for tests that run in one form only: the executable, which starts fastest and has just its
 * own permissions, unless `PROGRAM` names a form or there is none.
 */
export const ONE_FORM = Deno.env.has("PROGRAM") || !HAS_EXECUTABLE ? PROGRAM : [EXECUTABLE];

/**
 * The poll where events are to find each change. Deno 2.6, of which the executable may be made, silently drops events
 * once 16 are queued, as on a busy machine; there a slow poll finds those.
 */
export const BY_EVENTS = ["--poll-interval", FORM === "source" && KEEPS_EVENTS ? "0" : "3s"];

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
  return FORM === "source" ? [Deno.execPath(), "run", ...OPTIONS, join(FOLDER, entry)] : [compiled];
}

function formOf(word: string): ProgramForm {
  if (word === "source" || word === "executable" || word === "process_1") return word;
  throw new Error(`PROGRAM: found "${word}", wanted "source", "executable" or "process_1"`);
}
