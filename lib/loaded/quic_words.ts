/** Tells what a configuration says about QUIC that matters when a process takes over from another. Pure. */
import { atOnce } from "../threads.ts";
import { blocksOf, type Environment, readConfiguration } from "./configuration_words.ts";
import type { ConfigurationFile } from "./named_files.ts";

export interface QuicWords {
  /** Whether QUIC is bound, and nothing says which secret its tokens are made with. */
  readonly wantsSecret: boolean;
  /** The words that take the QUIC connections' own sockets from them, and where they stand; `null`: none. */
  readonly sharedSockets: string | null;
}

export const NO_QUIC: QuicWords = { wantsSecret: false, sharedSockets: null };

/**
 * Reads `files` in HAProxy's order. All branches of an `.if` count. Connections that share the listener's
 * socket are lost with it at a reload.
 */
export const readQuicWords = (
  files: readonly ConfigurationFile[],
  environment: Environment,
): QuicWords => atOnce(readQuicWordsInSteps(files, environment));

/** The same in steps of some 20 ms. */
export function* readQuicWordsInSteps(
  files: readonly ConfigurationFile[],
  environment: Environment,
): Generator<void, QuicWords> {
  let variables = environment;
  let isBound = false;
  let hasSecret = false;
  let sharedSockets: string | null = null;
  const blocks = files.flatMap(({ path, text }) =>
    [...blocksOf(text)].map((block) => ({ path, ...block }))
  );
  for (const { path, text, linesBefore } of blocks) {
    if (linesBefore > 0) yield;
    const configuration = readConfiguration(text, variables, WANTED);
    for (const { number, words } of configuration.lines) {
      if (words[0] === "no-quic") return NO_QUIC;
      isBound ||= words[0] === "bind" && QUIC_ADDRESS.test(words[1] ?? "");
      hasSecret ||= words[0] === "cluster-secret";
      const sharing = sharingWords(words);
      if (sharing !== null) {
        sharedSockets ??= `"${sharing}" in "${path}" line ${linesBefore + number}`;
      }
    }
    variables = configuration.environment;
  }
  return {
    wantsSecret: isBound && !hasSecret,
    sharedSockets: isBound ? sharedSockets : null,
  };
}

/** An address may stand in a variable. */
const WANTED = /quic|cluster-secret|setenv|bind.*\$/;
const QUIC_ADDRESS = /(?:^|,)quic[46]@/;

/** By their names up to 3.2, and from 3.3 on. */
const SHARING: readonly (readonly [name: string, value: string])[] = [
  ["tune.quic.socket-owner", "listener"],
  ["tune.quic.fe.sock-per-conn", "force-off"],
  ["quic-socket", "listener"],
];

function sharingWords(words: readonly string[]): string | null {
  const found = SHARING.find(([name, value]) => {
    const place = words.indexOf(name);
    return place >= 0 && words[place + 1] === value;
  });
  return found?.join(" ") ?? null;
}
