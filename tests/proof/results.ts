/** What a run of the proof leaves, and what can be read from it. Pure. */
import { quantile } from "../bench/table.ts";
import type { Campaign } from "./campaign.ts";
import { CONTESTANT_NAMES, type ContestantName } from "./contestants/contestants.ts";
import type { FailureKind } from "./failures.ts";
import { KIND_NAMES, KINDS } from "./load/kinds.ts";
import type { KindFigures } from "./load/record.ts";
import type { Sample } from "./processes.ts";

/** As it is written to JSON. */
export interface Results {
  /** Versions, machine and date, in one line. */
  readonly machine: string;
  readonly isSoak: boolean;
  readonly campaigns: Partial<Readonly<Record<ContestantName, Campaign>>>;
}

export const campaignsOf = ({ campaigns }: Results): [ContestantName, Campaign][] =>
  CONTESTANT_NAMES.flatMap((name) => {
    const campaign = campaigns[name];
    return campaign === undefined ? [] : [[name, campaign]];
  });

/** In milliseconds, of the changes that were served. */
export const servedMs = ({ reloads }: Campaign) =>
  reloads.filter(({ refusal }) => refusal === null).map(({ ms }) => ms);

/** In milliseconds, of the changes that were refused. */
export const refusedMs = ({ reloads }: Campaign) =>
  reloads.filter(({ refusal }) => refusal !== null).map(({ ms }) => ms);

/** The refused reloads in which requests failed or were held up. */
export function disturbing({ reloads, load }: Campaign): number[] {
  const disturbed = new Set(KIND_NAMES.flatMap((name) => load[name].disturbed));
  return reloads.filter(({ refusal, number }) => refusal !== null && disturbed.has(number))
    .map(({ number }) => number);
}

export const requestsOf = (campaign: Campaign) =>
  sum(kindsOf(campaign).map(({ requests }) => requests));

/** Requests that failed, but for those that met the closing of an idle connection. */
export const failedOf = ({ failures }: KindFigures) =>
  sum(Object.entries(failures).map(([kind, count]) => kind === "idle_closing" ? 0 : count));

export const countOf = ({ failures }: KindFigures, kind: FailureKind) => failures[kind] ?? 0;

export const kindsOf = ({ load }: Campaign) => KIND_NAMES.map((name) => load[name]);

/** Of those kinds where nobody but HAProxy is at fault for it, and of the others. */
export function idleClosings(
  { load }: Campaign,
): { readonly excused: number; readonly other: number } {
  const count = (isExcused: boolean) =>
    sum(
      KIND_NAMES.filter((name) => KINDS[name].mayMeetIdleClosing === isExcused)
        .map((name) => countOf(load[name], "idle_closing")),
    );
  return { excused: count(true), other: count(false) };
}

/** The share of the requests of the excused kinds that met the closing of an idle connection. */
export function idleClosingShare({ load }: Campaign): number {
  const excused = KIND_NAMES.filter((name) => KINDS[name].mayMeetIdleClosing).map((name) =>
    load[name]
  );
  return sum(excused.map((figures) => countOf(figures, "idle_closing"))) /
    Math.max(1, sum(excused.map(({ requests }) => requests)));
}

/**
 * What the supervisor holds at rest: the lower quartile in the first quarter of the run, and in the last. The
 * least would not do for the master, which holds nothing at all while it starts itself again.
 */
export function growthOf(
  { samples }: Campaign,
  measure: (supervisor: NonNullable<Sample["supervisor"]>) => number,
): { readonly first: number; readonly last: number } | null {
  const values = samples.flatMap(({ supervisor }) =>
    supervisor === null ? [] : [measure(supervisor)]
  );
  if (values.length === 0) return null;
  const quarter = Math.ceil(values.length / 4);
  const atRest = (some: readonly number[]) => quantile(some, 0.25);
  return { first: atRest(values.slice(0, quarter)), last: atRest(values.slice(-quarter)) };
}

/** `null` where there is nothing. */
export const quantileOf = (values: readonly number[], share: number) =>
  values.length === 0 ? null : quantile(values, share);

export const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
