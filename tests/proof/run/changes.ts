/** The changes of the configuration, in a fixed order: three to be served, then one to be refused. Pure. */
import type { Site } from "./site.ts";

export type Change =
  | { readonly tag: "served"; readonly content: number; readonly configuration: string }
  | { readonly tag: "refused"; readonly reason: Refusal; readonly configuration: string };

type Described = Pick<Site, "configuration" | "takenPort" | "extraPort">;

/** Configurations that HAProxy must refuse. */
const REFUSALS = {
  "a syntax error": (site, content) => `${site.configuration(content)}    nonsense\n`,
  "a port that somebody else has": (site, content) =>
    site.configuration(content, { lines: `    bind 127.0.0.1:${site.takenPort}\n` }),
  "a certificate that is not there": (site, content) =>
    site.configuration(content, { lines: `    bind 127.0.0.1:${site.extraPort} ssl crt /none\n` }),
  "an address that this machine has not": (site, content) =>
    site.configuration(content, { lines: `    bind 192.0.2.1:${site.extraPort}\n` }),
  "a backend that is not there": (site, content) =>
    site.configuration(content, { lines: "    use_backend none\n" }),
  "an empty file": () => "",
} as const satisfies Record<string, (site: Described, content: number) => string>;

export type Refusal = keyof typeof REFUSALS;

export const REFUSAL_NAMES = Object.keys(REFUSALS) as Refusal[];

const REFUSED_EVERY = 4;
/** One in so many served changes adds or removes an address. */
const BIND_EVERY = 5;

/** Change number 1, 2, 3 …; never are two refused in a row. The content before them is 0. */
export function changeOf(site: Described, number: number): Change {
  const refused = Math.floor((number + 1) / REFUSED_EVERY);
  const content = number - refused;
  if ((number + 1) % REFUSED_EVERY !== 0) {
    const hasExtra = Math.floor(content / BIND_EVERY) % 2 === 1;
    const lines = hasExtra ? `    bind 127.0.0.1:${site.extraPort}\n` : "";
    return { tag: "served", content, configuration: site.configuration(content, { lines }) };
  }
  const reason = REFUSAL_NAMES[(refused - 1) % REFUSAL_NAMES.length]!;
  // If it were served after all, the unexpected content would show.
  return { tag: "refused", reason, configuration: REFUSALS[reason](site, UNEXPECTED_CONTENT) };
}

const UNEXPECTED_CONTENT = 999_999_999;
