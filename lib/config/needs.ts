/** Finds what a configuration needs the wrapper to inject, and which of its words deserve a note to the user. Pure. */
import { type Environment, readInSteps } from "./tokens.ts";
import type { ConfigurationFile } from "./file_references.ts";

export interface Needs {
  /** Whether servers load their last state from a global file that the configuration does not name. */
  readonly loadsServerState: boolean;
  /** Whether QUIC is bound without a `cluster-secret` for its tokens. */
  readonly sharesSecret: boolean;
  /** The user's limit of connections to all stats sockets; `null` if there is none, or it is unclear. */
  readonly statsMaxconn: number | null;
  /** Whether HAProxy obtains certificates itself: an `acme` section is there. */
  readonly obtains: boolean;
  /** Whether other HAProxy processes may bind the same ports. */
  readonly sharesPorts: boolean;
  /** Where `master-worker` stands outside of any `.if`, as `"/path" line 3`; `null` if nowhere. */
  readonly masterWorker: string | null;
  /** Words that deserve a note, and where they stand. */
  readonly noted: Readonly<Record<Noted, string | null>>;
}

/**
 * `shared_sockets`: QUIC connections get no sockets of their own. `zero_warning`: HAProxy refuses what it would
 * only warn of. `pidfile`: useful only for daemons.
 */
export type Noted = "shared_sockets" | "zero_warning" | "pidfile";

export const NO_NEEDS: Needs = {
  loadsServerState: false,
  sharesSecret: false,
  statsMaxconn: null,
  obtains: false,
  sharesPorts: true,
  masterWorker: null,
  noted: { shared_sockets: null, zero_warning: null, pidfile: null },
};

/** Reads `files` in HAProxy's order, yielding every 20 ms or so. All branches of an `.if` count. */
export function* readNeeds(
  files: readonly ConfigurationFile[],
  environment: Environment,
): Generator<void, Needs> {
  const reader = new Reader();
  let variables = environment;
  for (const { path, text } of files) {
    const onLine = (words: readonly string[], line: number) =>
      reader.read(words, `"${path}" line ${line}`);
    variables = yield* readInSteps(text, variables, { wanted: WANTED, onLine });
  }
  return reader.needs;
}

/** A variable may hold an address. */
const WANTED =
  /server-state|quic|cluster-secret|bind.*\$|stats|acme|zero-warning|master-worker|pidfile|noreuseport|setenv|\.(?:end)?if/;

class Reader {
  /** Each fact found, with its words and their first place. */
  readonly #found = new Map<Fact, string>();
  readonly #statsMaxconns: (number | null)[] = [];
  #masterWorker: string | null = null;
  #depth = 0;
  #branchesDiffer = false;

  read(words: readonly string[], place: string): void {
    const [first = "", second = ""] = words;
    if (first === ".if") this.#depth++;
    if (first === ".endif") this.#depth--;
    // Only HAProxy knows which branch set a variable, and so its value further down.
    this.#branchesDiffer ||= this.#depth > 0 && first.endsWith("setenv");
    if (first === "master-worker" && this.#depth === 0) this.#masterWorker ??= place;
    if (first === "stats" && second === "maxconn") {
      this.#statsMaxconns.push(this.#branchesDiffer ? null : connectionsOf(words[2] ?? ""));
    }
    for (const [fact, find] of FACTS) {
      const found = find(words);
      if (found && !this.#found.has(fact)) this.#found.set(fact, `"${found}" in ${place}`);
    }
  }

  get needs(): Needs {
    const has = (fact: Fact) => this.#found.has(fact);
    const placeOf = (fact: Noted) => this.#found.get(fact) ?? null;
    const hasQuic = has("quic") && !has("no_quic");
    return {
      loadsServerState: has("loading") && !has("state_file"),
      sharesSecret: hasQuic && !has("secret"),
      statsMaxconn: largestOf(this.#statsMaxconns),
      obtains: has("acme"),
      sharesPorts: !has("no_sharing"),
      masterWorker: this.#masterWorker,
      noted: {
        shared_sockets: hasQuic ? placeOf("shared_sockets") : null,
        zero_warning: placeOf("zero_warning"),
        pidfile: placeOf("pidfile"),
      },
    };
  }
}

type Fact =
  | Noted
  | "loading"
  | "state_file"
  | "quic"
  | "no_quic"
  | "secret"
  | "acme"
  | "no_sharing";

const keyword = (name: string) => ([first]: readonly string[]) => first === name && name;

/** Each returns the words of a line that state the fact, or nothing. */
const FACTS: readonly (readonly [Fact, (words: readonly string[]) => string | false | null])[] = [
  [
    "loading",
    ([first, what]) => first === "load-server-state-from-file" && what === "global" && what,
  ],
  ["state_file", keyword("server-state-file")],
  [
    "quic",
    ([first, address = ""]) => first === "bind" && /(?:^|,)quic[46]@/.test(address) && first,
  ],
  ["no_quic", keyword("no-quic")],
  ["acme", keyword("acme")],
  ["no_sharing", keyword("noreuseport")],
  ["secret", keyword("cluster-secret")],
  ["shared_sockets", sharingWords],
  ["zero_warning", keyword("zero-warning")],
  ["pidfile", keyword("pidfile")],
];

/** The first name is for HAProxy up to 3.2, the second from 3.3 on. */
const SHARING: readonly (readonly [name: string, value: string])[] = [
  ["tune.quic.socket-owner", "listener"],
  ["tune.quic.fe.sock-per-conn", "force-off"],
  ["quic-socket", "listener"],
];

function sharingWords(words: readonly string[]): string | null {
  const found = SHARING.find(([name, value]) => {
    const index = words.indexOf(name);
    return index >= 0 && words[index + 1] === value;
  });
  return found?.join(" ") ?? null;
}

/** Like C's `atol`, which HAProxy uses: the leading digits. */
function connectionsOf(word: string): number | null {
  const digits = /^\s*\+?(\d{1,9})(?!\d)/.exec(word)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** HAProxy takes the last one. Which that is depends on branches, and a limit that is too high does no harm. */
const largestOf = (numbers: readonly (number | null)[]) =>
  numbers.reduce<number | null>(
    (most, number) => most === null || number === null ? null : Math.max(most, number),
    numbers[0] ?? null,
  );
