/** Tells whether a configuration has servers load their last state from a file that it does not name. Pure. */
import { atOnce } from "../threads.ts";
import { blocksOf, type Environment, readConfiguration } from "./configuration_words.ts";
import type { ConfigurationFile } from "./named_files.ts";

/**
 * Whether some proxy, or its defaults, says `load-server-state-from-file global`, and nothing in `files`,
 * in HAProxy's order, says where the global file is. Both branches of an `.if` count.
 */
export const wantsServerState = (
  files: readonly ConfigurationFile[],
  environment: Environment,
): boolean => atOnce(wantsServerStateInSteps(files, environment));

/** The same in steps of some milliseconds. */
export function* wantsServerStateInSteps(
  files: readonly ConfigurationFile[],
  environment: Environment,
): Generator<void, boolean> {
  if (!files.some(({ text }) => text.includes(LOADING))) return false;
  let variables = environment;
  let isLoaded = false;
  for (const { text } of files.flatMap((file) => [...blocksOf(file.text)])) {
    const configuration = readConfiguration(text, variables, WANTED);
    const { lines } = configuration;
    if (lines.some(({ words }) => words[0] === "server-state-file")) return false;
    isLoaded ||= lines.some(({ words }) => words[0] === LOADING && words[1] === "global");
    variables = configuration.environment;
    if (text.length > STEP_LENGTH) yield;
  }
  return isLoaded;
}

const LOADING = "load-server-state-from-file";
const WANTED = /server-state|setenv/;
/** A shorter text takes no time. */
const STEP_LENGTH = 50_000;
