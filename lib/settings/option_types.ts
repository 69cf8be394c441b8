/** The types of options: how a value is parsed, and how the status page and `/status` show it. Pure. */
import { isAbsolute, resolve } from "@std/path";
import { formatDuration, parseDuration } from "../text/duration.ts";
import { describeStatusAddress, readStatusAddress, type StatusAddress } from "./status_address.ts";

export interface Type<Value> {
  /** The name of the value in `--help`; `null` for a switch. */
  readonly placeholder: string | null;
  /** As `--help` shows it. */
  readonly default?: string;
  readonly isRepeatable?: true;
  /** The value of `texts`; the default if there are none; `undefined` if one is refused. */
  readonly parse: (texts: readonly string[]) => Value | undefined;
  /** What would have been accepted. */
  readonly wanted: string;
  /** For people: on the status page. */
  readonly format: (value: Value) => string;
  /** For machines: in `/status`, if it isn't the value itself. */
  readonly json?: (value: Value) => unknown;
}

/** Where the program may write. The private folder is tried in this order. */
export const RUNTIME_PARENTS = ["/run", "/var/lib/haproxy", "/tmp"] as const;

export const text = (placeholder: string): Type<string | null> =>
  optional({ placeholder, wanted: "a text", parse: (text) => text });

export const texts = (placeholder: string): Type<readonly string[]> =>
  list({ placeholder, wanted: "a text", parse: (text) => text });

/** Digits alone would be a port or part of an address, and addresses need not be listed. */
export const hosts = (): Type<readonly string[]> =>
  list({
    placeholder: "NAME",
    wanted: "a host's name without a port",
    parse: (text) => /^(?=.*[a-z_])[\w-]+(?:\.[\w-]+)*\.?$/i.test(text) ? text : undefined,
  });

/** `value` with the flag, its opposite without. A variable accepts the words of Go's `strconv.ParseBool`. */
export const switchTo = (value: boolean): Type<boolean> => ({
  ...required("false", {
    placeholder: null,
    wanted: '"true" or "false"',
    parse: (text) => {
      if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return value;
      return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? !value : undefined;
    },
    format: (found) => found === value ? "yes" : "no",
  }),
  json: (found) => found === value,
});

/** Milliseconds; `zero` is shown for 0. */
export const duration = (
  preset: string,
  { leastMs = 0, zero = "0s" }: { readonly leastMs?: number; readonly zero?: string } = {},
): Type<number> =>
  required(preset, {
    ...timer(leastMs),
    format: (ms) => ms === 0 ? zero : formatDuration(ms),
  });

/** Milliseconds; `null`, also written 0, means no limit. */
export const timeLimit = (): Type<number | null> => ({
  ...optional<number | null>({
    ...timer(0),
    parse: (text) => {
      const ms = timer(0).parse(text);
      return ms === 0 ? null : ms;
    },
  }),
  format: (ms) => ms === null ? "no limit" : formatDuration(ms),
});

export const count = (preset: string, format: (count: number) => string = String): Type<number> =>
  required(preset, {
    placeholder: "N",
    wanted: "a whole number",
    parse: (text) => /^\d{1,9}$/.test(text) ? Number(text) : undefined,
    format,
  });

export const choice = <const Choice extends string>(
  preset: NoInfer<Choice>,
  choices: readonly Choice[],
): Type<Choice> =>
  required<Choice>(preset, {
    placeholder: choices.join("|"),
    wanted: choices.map((choice) => `"${choice}"`).join(" or "),
    parse: (text) => choices.find((choice) => choice === text),
  });

/** Certificate lists will name files in it, and they cannot quote anything. */
export const plainDirectory = (): Type<string | null> =>
  optional({
    placeholder: "DIR",
    wanted: `${WANTED_WRITABLE}, without blanks, quotes and brackets`,
    parse: (text) => /[^\w./@%+:=,~-]/.test(text) ? undefined : parseWritable(text),
  });

/** Where to try to make the private folder. systemd may name several, separated by colons; the first counts. */
export const runtimeParents = (): Type<readonly string[]> => ({
  placeholder: "DIR",
  default: `the first writable one of ${RUNTIME_PARENTS.join(", ")}`,
  wanted: WANTED_WRITABLE,
  parse: ([text]) => {
    const first = text?.split(":").find((path) => path !== "");
    if (first === undefined) return RUNTIME_PARENTS;
    const path = parseWritable(first);
    return path === undefined ? undefined : [path];
  },
  format: (paths) => paths.join(" "),
});

export const statusAddress = (): Type<StatusAddress | null> => ({
  ...optional({
    placeholder: "ADDRESS",
    wanted: `an address like "127.0.0.1:9101", or "unix:" and a path below ${BELOW}`,
    parse: (text) => {
      const address = readStatusAddress(text) ?? undefined;
      return address?.tag === "unix" && !isBelowWritable(address.path) ? undefined : address;
    },
    format: describeStatusAddress,
  }),
  json: (address) => address && describeStatusAddress(address),
});

/** How one text is read. */
interface Single<Value> extends Pick<Type<Value>, "placeholder" | "wanted"> {
  readonly parse: (text: string) => Value | undefined;
  readonly format?: (value: Value) => string;
}

const required = <Value>(preset: string, single: Single<Value>): Type<Value> => ({
  format: String,
  ...single,
  default: preset,
  parse: ([text = preset]) => single.parse(text),
});

const optional = <Value>({ format = String, ...single }: Single<Value>): Type<Value | null> => ({
  ...single,
  parse: ([text]) => text === undefined ? null : single.parse(text),
  format: (value) => value === null ? NONE : format(value),
});

const list = (single: Single<string>): Type<readonly string[]> => ({
  ...single,
  isRepeatable: true,
  parse: (texts) => texts.some((text) => single.parse(text) === undefined) ? undefined : texts,
  format: (items) => items.join(" ") || NONE,
});

const NONE = "none";

const BELOW = RUNTIME_PARENTS.join(", ");
const WANTED_WRITABLE = `a directory in or below ${BELOW}`;

const isBelowWritable = (path: string) =>
  RUNTIME_PARENTS.some((parent) => path.startsWith(`${parent}/`));

function parseWritable(text: string): string | undefined {
  const path = resolve(text);
  return isAbsolute(text) && isBelowWritable(`${path}/`) ? path : undefined;
}

/** The longest delay that a JavaScript timer takes; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const timer = (leastMs: number) => ({
  placeholder: "DURATION",
  wanted: 'a duration like "500ms" or "1m30s"' + (leastMs > 0 ? `, at least ${leastMs}ms` : "") +
    ", at most 596h",
  parse: (text: string) => {
    const ms = parseDuration(text);
    return ms !== null && ms >= leastMs && ms <= LONGEST_TIMER_MS ? ms : undefined;
  },
});
