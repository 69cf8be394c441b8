/** What a configuration says of its servers elsewhere than in their lines. Pure. */
import { restOf, wordsOf } from "../../config/server_lines.ts";
import { type Environment, readConfiguration } from "../../config/tokens.ts";
import type { Added, Changed, Obstacle, ServerName } from "./server_change.ts";

export class Rest {
  readonly #texts: readonly string[];
  readonly #environment: Environment;
  #joined: string | null = null;
  #rest: string | null = null;
  #referred: Names | null = null;
  #tracked: Names | null = null;

  /** `environment`: the variables that HAProxy reads them with. */
  constructor(texts: readonly string[], environment: Environment) {
    this.#texts = texts;
    this.#environment = environment;
  }

  obstacleToMaxconn(): Obstacle | null {
    // HAProxy works out a "fullconn" from it, and from that what such a server gets.
    return this.#mayHave("minconn") ? 'maxconn changed, and a server has a "minconn"' : null;
  }

  obstacleToChange(change: Changed): Obstacle | null {
    const { address, weight, isDisabled, isChecked } = change;
    // What goes down or up with it may end connections, or start slowly.
    const mayRise = isDisabled !== null || (address !== null && isChecked);
    if (mayRise && this.#isTracked(change)) return "is tracked by another";
    if ((address !== null || isDisabled !== null) && this.#says(SPOE)) return TO_AGENTS;
    if (address !== null && this.#says(COOKIE_KEY)) {
      return "has another address, by which its cookie is made";
    }
    // HAProxy 2.6 leaves clients with a connection of their own at the old address.
    if (address !== null && this.#says(NO_REUSE)) {
      return 'has another address, beside "http-reuse never"';
    }
    return weight !== null && this.#says(INITIAL_WEIGHT)
      ? 'has another weight, and "srv_iweight" would give the old one'
      : null;
  }

  obstacleToAdded({ isChecked }: Added): Obstacle | null {
    // It ends HAProxy 3.2.26 and 3.4.7 by SIGILL.
    return isChecked && this.#says(EXTERNAL_CHECK)
      ? 'is new, to be checked by "external-check"'
      : null;
  }

  obstacleToRemoval(name: ServerName): Obstacle | null {
    if (this.#says(PERSIST)) return 'is gone, and "persist" could send clients to it';
    if (this.#says(SPOE)) return TO_AGENTS;
    // HAProxy refuses an application that is left without one.
    if (this.#says(FCGI)) return "is gone, and may be the last of a FastCGI application";
    return this.#isReferred(name) || this.#isTracked(name)
      ? "is gone, and something refers to it"
      : null;
  }

  /** A server's number is the next free one, but after a reload that of its place. */
  obstacleToNumbers(): Obstacle | null {
    return this.#says(NUMBERS) || this.#says(COOKIE_KEY) ? "the servers' numbers matter" : null;
  }

  #says({ word, pattern }: Wording): boolean {
    return this.#mayHave(word) && pattern.test(this.#text);
  }

  /** Looks through megabytes in less than a millisecond, where taking the servers out takes five. */
  #mayHave(word: string): boolean {
    return this.#texts.some((text) => text.includes(word)) || this.#joinedLines.includes(word);
  }

  /** The rest, and once more the lines of which HAProxy joins words from pieces, or knows what variables say. */
  get #text(): string {
    return this.#rest ??= `${restOf(this.#texts)}\n${this.#joinedLines}`;
  }

  get #joinedLines(): string {
    return this.#joined ??= joinedLines(this.#texts, this.#environment);
  }

  #isReferred({ server }: ServerName): boolean {
    const isNamed = ["use-server", "srv_"].some((word) => this.#mayHave(word));
    const names = this.#referred ??= namesOf(
      !isNamed ? [] : [
        ...[...this.#text.matchAll(/\buse-server[ \t]+(\S+)/g)].map(([, name]) => name!),
        ...[...this.#text.matchAll(/\bsrv_\w+\(([^)]*)\)/g)]
          .map(([, name]) => name!.split("/").at(-1)!.trim()),
      ],
    );
    return names.mayBeAny || names.all.has(server);
  }

  #isTracked({ backend, server }: ServerName): boolean {
    const texts = this.#mayHave("track") ? [...this.#texts, this.#joinedLines] : [];
    const names = this.#tracked ??= namesOf(
      texts.flatMap((text) => text.match(TRACKING) ?? []).flatMap(trackedBy),
    );
    return names.mayBeAny || names.all.has(server) || names.all.has(`${backend}/${server}`);
  }
}

/** As HAProxy reads them, one each. */
function joinedLines(texts: readonly string[], environment: Environment): string {
  const lines: string[] = [];
  const wanted = texts.some((text) => text.includes("setenv")) ? JOINED_OR_SETTING : JOINED;
  let variables = environment;
  for (const text of texts.filter(mayBeJoined)) {
    const read = readConfiguration(text, variables, wanted);
    variables = read.environment;
    lines.push(...read.lines.map(({ words }) => words.join(" ")));
  }
  return lines.join("\n");
}

/** What can make a word another one than is written. */
const JOINED = /(?<=[^\s"'\\])["']+[^\s"'\\]|[\\$]/;
/** Ten times as fast. */
const mayBeJoined = (text: string) =>
  ['"', "'", "\\", "$", "setenv"].some((part) => text.includes(part));
/** And what sets variables. Five times as slow to find. */
const JOINED_OR_SETTING = new RegExp(`${JOINED.source}|setenv`);

interface Names {
  readonly all: ReadonlySet<string>;
  /** Whether one of them stands for a name that only HAProxy knows. */
  readonly mayBeAny: boolean;
}

const namesOf = (names: readonly string[]): Names => ({
  all: new Set(names),
  mayBeAny: names.some((name) => /[%"'\\$]/.test(name)),
});

/** The words behind `track`. */
const trackedBy = (line: string): readonly string[] => {
  const words = wordsOf(line);
  return words.filter((_, index) => words[index - 1] === "track");
};

/** Lines of servers in which a word is `track`. */
const TRACKING = /^[ \t]*(?:default-server|server|server-template)[ \t][^\n]*track[^\n]*$/gm;

interface Wording {
  /** What is in every text that `pattern` matches. */
  readonly word: string;
  readonly pattern: RegExp;
}

/** HAProxy 2.6 and 3.0 go on asking agents over connections that they have. */
const SPOE: Wording = { word: "spoe", pattern: /\bspoe\b/ };
const TO_AGENTS = "changed, and connections to agents of SPOE would stay";
const FCGI: Wording = { word: "use-fcgi-app", pattern: /\buse-fcgi-app\b/ };
const COOKIE_KEY: Wording = { word: "dynamic-cookie-key", pattern: /\bdynamic-cookie-key\b/ };
const NO_REUSE: Wording = { word: "http-reuse", pattern: /\bhttp-reuse[ \t]+["']?never\b/ };
const INITIAL_WEIGHT: Wording = { word: "srv_iweight", pattern: /\bsrv_iweight\b/ };
const EXTERNAL_CHECK: Wording = { word: "external-check", pattern: /\bexternal-check\b/ };
const PERSIST: Wording = { word: "persist", pattern: /\bpersist\b/ };
const NUMBERS: Wording = {
  word: "_id",
  pattern: /\b(?:srv_id|table_server_id)\b/,
};
