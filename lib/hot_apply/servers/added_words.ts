/**
 * The words that a new server may have, with the values that they may have. HAProxy accepts all of these in a file
 * (2.6 to 3.4, without a warning; `tests/proof/sameness/added_test.ts` asks it), and means the same by `add server`,
 * so that `haproxy -c` could find nothing. It would take as long as HAProxy takes to read everything: 23 ms for a small
 * configuration, 0.16 s for 10,000 backends (2.6.12). Pure.
 */
import type { Option } from "../../config/server_words.ts";

/** The first of them that only a reload can give a new server; `null` if there is none. */
export const unfitOption = (options: readonly Option[]): Option | null =>
  options.find(([keyword, value = ""]) => !(WORDS.get(keyword)?.(value) ?? false)) ?? null;

type Fits = (value: string) => boolean;

const always: Fits = () => true;
const matching = (pattern: RegExp): Fits => (value) => pattern.test(value);
const number = matching(/^(?:0|[1-9]\d{0,5})$/);
const count = matching(/^[1-9]\d{0,3}$/);
/** Up to 11 days; HAProxy refuses 25, and warns of less than 100 without a unit (3.2 on). */
const time = matching(/^[1-9](?:\d{2,8}|\d{0,8}ms|\d{0,5}s|\d{0,3}m|\dh|h)$/);
const port: Fits = (value) => /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535;

/** Not among them: `max-reuse` and `tcp-ut`, which 3.2 and 3.4 refuse, `backup`, whose order counts, and all of TLS. */
const WORDS: ReadonlyMap<string, Fits> = new Map(Object.entries({
  "agent-check": always,
  "agent-inter": time,
  "agent-port": port,
  "check": always,
  "check-send-proxy": always,
  "cookie": matching(/^[\w.-]{1,64}$/),
  "disabled": always,
  "downinter": time,
  "enabled": always,
  "error-limit": count,
  "fall": count,
  "fastinter": time,
  "inter": time,
  "maxconn": number,
  "maxqueue": number,
  "observe": matching(/^layer4$/),
  "on-error": matching(/^(?:fastinter|fail-check|sudden-death|mark-down)$/),
  "pool-low-conn": number,
  "pool-max-conn": number,
  "pool-purge-delay": time,
  "port": port,
  "rise": count,
  "send-proxy": always,
  "send-proxy-v2": always,
  "weight": number,
}));

/** For the test. */
export const ADDED_WORDS: readonly string[] = [...WORDS.keys()];
