/** Tells whether a configuration has servers load their last state from a file that it does not name. Pure. */
import { type Environment, readConfiguration } from "./configuration_words.ts";
import type { ConfigurationFile } from "./named_files.ts";

/**
 * Whether some proxy, or its defaults, says `load-server-state-from-file global`, and nothing in `files`,
 * in HAProxy's order, says where the global file is. Both branches of an `.if` count.
 */
export function wantsServerState(
  files: readonly ConfigurationFile[],
  environment: Environment,
): boolean {
  if (!files.some(({ text }) => text.includes(LOADING))) return false;
  let variables = environment;
  let isLoaded = false;
  for (const { text } of files) {
    const configuration = readConfiguration(text, variables, WANTED);
    const { lines } = configuration;
    if (lines.some(({ words }) => words[0] === "server-state-file")) return false;
    isLoaded ||= lines.some(({ words }) => words[0] === LOADING && words[1] === "global");
    variables = configuration.environment;
  }
  return isLoaded;
}

const LOADING = "load-server-state-from-file";
const WANTED = /server-state|setenv/;
