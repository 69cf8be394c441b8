/** Reads the proof's options, or reports all problems together. Pure. */
import { parseArgs } from "node:util";
import { CONTESTANT_NAMES, type ContestantName } from "./contestants/contestants.ts";

export interface Options {
  readonly until: { readonly reloads: number } | { readonly ms: number };
  readonly only: readonly ContestantName[];
  /** An HAProxy, or its launcher, to run instead of the one in PATH. */
  readonly haproxy: string | null;
  /** Where results go. */
  readonly svg: string | null;
  readonly json: string | null;
  /** The JSON of earlier runs, to show instead of a new one, side by side. */
  readonly from: readonly string[];
}

export const USAGE = `deno task proof [OPTION…]
  --reloads N      so many reloads of each contestant (1000)
  --hours H        a soak: for so long, with a reload every few seconds
  --minutes M      the same in minutes
  --only NAME      one of ${CONTESTANT_NAMES.join(", ")}; repeatable
  --haproxy PATH   an HAProxy, or what starts one, instead of the one in PATH
  --svg FILE       where to write the plot
  --json FILE      where to write all results
  --from FILE      shows the results in that JSON, and runs nothing; repeatable: several side by side`;

const STANDARD_RELOADS = 1_000;

export function readOptions(
  args: readonly string[],
): { readonly options: Options; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const { values, unknown } = parse(args);
  problems.push(...unknown.map((word) => `found "${word}", which is no option`));
  for (const name of [...WORDS, ...LISTS].filter((one) => [values[one]].flat().includes(""))) {
    problems.push(`--${name}: wanted a value, found none`);
  }
  const amount = (name: "reloads" | "hours" | "minutes", isWhole: boolean): number | null => {
    const value = values[name];
    if (value === undefined || value === "") return null;
    const number = Number(value);
    if (number > 0 && (isWhole ? Number.isInteger(number) : Number.isFinite(number))) return number;
    problems.push(`--${name}: found "${value}", wanted a ${isWhole ? "whole " : ""}number above 0`);
    return null;
  };
  const [reloads, hours, minutes] = [
    amount("reloads", true),
    amount("hours", false),
    amount("minutes", false),
  ];
  const ways = ["reloads", "hours", "minutes"].filter((name) => values[name] !== undefined);
  if (ways.length > 1) {
    problems.push(`found ${ways.map((one) => `--${one}`).join(" and ")}, wanted one of them`);
  }
  const only = (values.only ?? []) as string[];
  for (const name of only.filter((one) => one !== "" && !isContestant(one))) {
    problems.push(`--only: found "${name}", wanted one of ${CONTESTANT_NAMES.join(", ")}`);
  }
  const soakMs = hours !== null ? hours * 3_600_000 : minutes !== null ? minutes * 60_000 : null;
  const text = (name: string) => (values[name] as string | undefined) ?? null;
  return {
    options: {
      until: soakMs === null ? { reloads: reloads ?? STANDARD_RELOADS } : { ms: soakMs },
      only: only.length === 0
        ? CONTESTANT_NAMES
        : CONTESTANT_NAMES.filter((one) => only.includes(one)),
      haproxy: text("haproxy"),
      svg: text("svg"),
      json: text("json"),
      from: (values.from ?? []) as string[],
    },
    problems,
  };
}

/** The command that repeats a run, without the options for its results. */
export function commandOf({ until, only, haproxy }: Options): string {
  const length = "ms" in until
    ? ["--minutes", until.ms / 60_000]
    : until.reloads === STANDARD_RELOADS
    ? []
    : ["--reloads", until.reloads];
  const all = only.length === CONTESTANT_NAMES.length;
  return [
    "deno task proof",
    ...length,
    ...all ? [] : only.flatMap((name) => ["--only", name]),
    ...haproxy === null ? [] : ["--haproxy PATH"],
  ].join(" ");
}

const isContestant = (name: string): name is ContestantName =>
  (CONTESTANT_NAMES as readonly string[]).includes(name);

const WORDS = ["reloads", "hours", "minutes", "haproxy", "svg", "json"] as const;

const LISTS = ["only", "from"] as const;

interface Parsed {
  readonly values: Readonly<Record<string, string | string[] | undefined>>;
  readonly unknown: readonly string[];
}

/** `parseArgs` would stop at the first problem. */
function parse(args: readonly string[]): Parsed {
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(WORDS.map((name) => [name, { type: "string" as const }])),
      ...Object.fromEntries(
        LISTS.map((name) => [name, { type: "string" as const, multiple: true }]),
      ),
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, string | string[]> = {};
  const unknown: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") unknown.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value = "" } = token;
    if ((LISTS as readonly string[]).includes(name)) {
      values[name] = [...(values[name] ?? []), value];
    } else if ((WORDS as readonly string[]).includes(name)) values[name] = value;
    else unknown.push(rawName);
  }
  return { values, unknown };
}
