/**
 * The one table of counters. To add one: its labels in `Labels`, its entry in `COUNTERS`, a call of `increment` in
 * `history_reducer.ts`, its row in `status/README.md`, and its labels in `tests/support/wrapper/metrics.ts`. The metric,
 * its place in `/status` and its initial samples derive from the entry. Pure.
 */
import type { EndReason } from "../../haproxy/drain/limits.ts";
import { TARGET_TAGS } from "../../hot_apply/kinds/target_kinds.ts";
import type { Target } from "../../loaded/targets.ts";

export type Result = "success" | "failure";
export type DrainHow = "drained" | "terminated" | "killed" | "crashed";
export type HotApplyResult = "success" | "refused" | "unconfirmed";
export type Role = "new" | "serving" | "draining";

/** The values of each counter's labels, joined with a space; "" without labels. */
interface Labels {
  readonly reloads: Result;
  readonly hotApplies: `${Target["tag"]} ${HotApplyResult}`;
  readonly drainsEnded: DrainHow;
  readonly drainsCut: EndReason;
  readonly respawns: "";
  readonly bugs: "";
  readonly processExits: `${Role} ${number}`;
}

export type CounterName = keyof Labels;

export interface Counter<Values extends string = string> {
  readonly metric: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** What starts with a sample of 0, so that its first occurrence is an increase. */
  readonly always: readonly Values[];
}

/** The keys that are `true`. A missing key does not compile. */
const only = <Key extends string>(keys: Readonly<Record<Key, boolean>>) =>
  (Object.keys(keys) as Key[]).filter((key) => keys[key]);

export const COUNTERS: { readonly [Name in CounterName]: Counter<Labels[Name]> } = {
  reloads: {
    metric: "reloads_total",
    help: "Reloads by result. The first start does not count.",
    labels: ["result"],
    always: only<Result>({ success: true, failure: true }),
  },
  hotApplies: {
    metric: "hot_applies_total",
    help: "Hot applies of files, by kind and result.",
    labels: ["kind", "result"],
    always: TARGET_TAGS.flatMap((kind) =>
      only<HotApplyResult>({ success: true, refused: true, unconfirmed: true })
        .map((result) => `${kind} ${result}` as const)
    ),
  },
  drainsEnded: {
    metric: "drains_ended_total",
    help: "Drains that ended by themselves, by SIGTERM or SIGKILL at a limit, or by a crash.",
    labels: ["how"],
    always: only<DrainHow>({ drained: true, terminated: true, killed: true, crashed: true }),
  },
  drainsCut: {
    metric: "drains_cut_total",
    help: "Drains that were cut short, by the limit that they reached.",
    labels: ["reason"],
    always: only<EndReason>({
      "shutdown-wait": true,
      "max-draining": true,
      memory: true,
      rejected: false,
      SIGTERM: false,
      SIGINT: false,
    }),
  },
  respawns: {
    metric: "respawns_total",
    help: "Starts in place of a serving process that exited unexpectedly.",
    labels: [],
    always: [""],
  },
  bugs: {
    metric: "bugs_total",
    help: "Bugs in the wrapper that were caught; the log and /status describe them.",
    labels: [],
    always: [""],
  },
  processExits: {
    metric: "process_exits_total",
    help: "HAProxy processes that ended, by role and exit status as in a shell.",
    labels: ["role", "status"],
    always: [],
  },
};

export const COUNTER_NAMES = Object.keys(COUNTERS) as CounterName[];

export type Counts = { readonly [Name in CounterName]: ReadonlyMap<Labels[Name], number> };

export const NO_COUNTS = Object.fromEntries(
  COUNTER_NAMES.map((name) => [name, new Map()]),
) as unknown as Counts;

/** `counts` after one more of `name`. */
export function increment<Name extends CounterName>(
  counts: Counts,
  name: Name,
  values: Labels[Name],
): Counts {
  const before: ReadonlyMap<string, number> = counts[name];
  return { ...counts, [name]: new Map([...before, [values, (before.get(values) ?? 0) + 1]]) };
}
