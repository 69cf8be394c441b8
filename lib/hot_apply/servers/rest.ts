/** What a configuration says of its servers elsewhere than in their lines. Pure. */
import { withoutServers, wordsOf } from "../../config/server_lines.ts";
import type { Added, Changed, Obstacle, ServerName } from "./server_change.ts";

export class Rest {
  readonly #texts: readonly string[];
  readonly #has = new Map<RegExp, boolean>();
  #known: string | null = null;
  #referred: Names | null = null;
  #tracked: Names | null = null;

  /** Looks through them when it is first asked, since not every change needs it, and it takes milliseconds. */
  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  obstacleToMaxconn(): Obstacle | null {
    // HAProxy works out a "fullconn" from it, and from that what such a server gets.
    return this.#texts.some((text) => /\bminconn\b/.test(text))
      ? 'maxconn changed, and a server has a "minconn"'
      : null;
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
    return this.#says(NUMBERS) ? "the servers' numbers matter" : null;
  }

  #says(words: RegExp): boolean {
    const known = this.#has.get(words) ?? words.test(this.#rest);
    this.#has.set(words, known);
    return known;
  }

  get #rest(): string {
    return this.#known ??= withoutServers(this.#texts);
  }

  #isReferred({ server }: ServerName): boolean {
    const names = this.#referred ??= namesOf([
      ...[...this.#rest.matchAll(/\buse-server[ \t]+(\S+)/g)].map(([, name]) => name!),
      ...[...this.#rest.matchAll(/\bsrv_\w+\(([^)]*)\)/g)]
        .map(([, name]) => name!.split("/").at(-1)!.trim()),
    ]);
    return names.mayBeAny || names.all.has(server);
  }

  #isTracked({ backend, server }: ServerName): boolean {
    const names = this.#tracked ??= namesOf(
      this.#texts.flatMap((text) => text.match(TRACKING) ?? []).flatMap(trackedBy),
    );
    return names.mayBeAny || names.all.has(server) || names.all.has(`${backend}/${server}`);
  }
}

interface Names {
  readonly all: ReadonlySet<string>;
  /** Whether one of them stands for a name that only HAProxy knows. */
  readonly mayBeAny: boolean;
}

const namesOf = (names: readonly string[]): Names => ({
  all: new Set(names),
  mayBeAny: names.some((name) => /[%"'\\$]/.test(name)),
});

/** The words behind `track`, and those that may be anything. */
function trackedBy(line: string): readonly string[] {
  const words = wordsOf(line);
  return words.filter((word, index) => words[index - 1] === "track" || /["'\\]/.test(word));
}

/** Lines of servers in which a word is, or may be, `track`. */
const TRACKING =
  /^[ \t]*(?:default-server|server|server-template)[ \t][^\n]*(?:track|["'\\])[^\n]*$/gm;

/** HAProxy 2.6 and 3.0 go on asking agents over connections that they have. */
const SPOE = /\bspoe\b/;
const TO_AGENTS = "changed, and connections to agents of SPOE would stay";
const FCGI = /\buse-fcgi-app\b/;
const COOKIE_KEY = /\bdynamic-cookie-key\b/;
const NO_REUSE = /\bhttp-reuse[ \t]+never\b/;
const INITIAL_WEIGHT = /\bsrv_iweight\b/;
const EXTERNAL_CHECK = /\bexternal-check\b/;
const PERSIST = /\bpersist\b/;
const NUMBERS = /\b(?:srv_id|table_server_id|dynamic-cookie-key)\b/;
