/** Reads the env file, whose variables HAProxy gets in addition to the wrapper's own. */
import { readTextFile } from "../../system/files/contents.ts";
import { stat } from "../../system/files/files.ts";
import { systemReason } from "../../text/system_reason.ts";
import { type EnvFile, parseEnvFile } from "../../config/env_file.ts";

export type EnvFileOutcome = EnvFile | { readonly tag: "unreadable"; readonly reason: string };

/** A `path` of `null` has no variables. */
export async function readEnvFile(path: string | null): Promise<EnvFileOutcome> {
  if (path === null) return { tag: "read", variables: {} };
  try {
    // Opening a FIFO would wait for its writer, and on Deno 2.6 block the whole program.
    const { isFile } = await stat(path);
    if (!isFile) return { tag: "unreadable", reason: "not a regular file" };
    return parseEnvFile(await readTextFile(path, MOST_BYTES));
  } catch (error) {
    return { tag: "unreadable", reason: systemReason(error) };
  }
}

/** Linux allows a program no more arguments and environment than this: see execve(2). */
const MOST_BYTES = 2 * 2 ** 20;

/** What is wrong with the env file at `path`, each problem a clause. */
export function describeEnvFile(path: string | null, outcome: EnvFileOutcome): readonly string[] {
  switch (outcome.tag) {
    case "read":
      return [];
    case "unreadable":
      return [`cannot read env file "${path}": ${outcome.reason}`];
    case "invalid":
      return outcome.problems.map((problem) => `env file "${path}", ${problem}`);
    default:
      return outcome satisfies never;
  }
}
