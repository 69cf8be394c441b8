/** The results of a run, with one HAProxy version, and what can be derived from them. Pure. */
import { described, type Machine } from "../../support/measuring/machine.ts";
import { quantile } from "../../support/measuring/quantile.ts";
import type { Campaign } from "../run/campaign.ts";
import { CONTESTANT_NAMES, type ContestantName } from "../contestants/contestants.ts";
import type { FailureKind } from "../../support/clients/failures.ts";
import { isOfQuic, type Kind, KIND_NAMES, type KindName, KINDS } from "../load/kinds.ts";
import type { KindFigures } from "../load/record.ts";
import type { Sample } from "../run/processes.ts";

/** As written to JSON. */
export interface Results {
  readonly machine: Machine;
  /** The clients' Deno. */
  readonly clients: string;
  /** The command that repeats it. */
  readonly command: string;
  readonly isSoak: boolean;
  readonly campaigns: Partial<Readonly<Record<ContestantName, Campaign>>>;
}

/** `HAProxy 3.4.7`, without a distribution's suffix. */
export const haproxyOf = ({ machine: { haproxy } }: Results) =>
  `HAProxy ${/^[\d.]+/.exec(haproxy)?.[0] ?? haproxy}`;

/** What was measured, on what and how: a line for each run. */
export function surroundings(runs: readonly Results[]): readonly [what: string, how: string] {
  const distinct = (tell: (run: Results) => string) => [...new Set(runs.map(tell))].join(", ");
  return [
    described(...runs.map(({ machine }) => machine)),
    `clients on ${distinct(({ clients }) => clients)}, ${
      distinct(({ command }) => `\`${command}\``)
    }`,
  ];
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

/**
 * The refused reloads in which requests failed or were held up, but for those over QUIC: their timeouts come
 * seconds after the handoff that caused them.
 */
export function disturbing({ reloads, load }: Campaign): number[] {
  const kinds = kindsOf({ load }).filter(({ name }) => !isOfQuic(name));
  const disturbed = new Set(kinds.flatMap(({ figures }) => figures.disturbed));
  return reloads.filter(({ refusal, number }) => refusal !== null && disturbed.has(number))
    .map(({ number }) => number);
}

export const requestsOf = (campaign: Campaign) =>
  sum(kindsOf(campaign).map(({ figures }) => figures.requests));

/** Failed requests without idle closings. */
export const failedOf = ({ failures }: KindFigures) =>
  sum(Object.entries(failures).map(([kind, count]) => kind === "idle_closing" ? 0 : count));

/** Over QUIC, or over TCP. */
export const failedRequests = (campaign: Campaign, { overQuic }: { readonly overQuic: boolean }) =>
  sum(
    kindsOf(campaign).filter(({ name }) => isOfQuic(name) === overQuic)
      .map(({ figures }) => failedOf(figures) + (overQuic ? countOf(figures, "idle_closing") : 0)),
  );

/** The share of the requests over QUIC that failed. */
export function quicFailureShare(campaign: Campaign): number {
  const requests = kindsOf(campaign).filter(({ name }) => isOfQuic(name))
    .map(({ figures }) => figures.requests);
  return failedRequests(campaign, { overQuic: true }) / Math.max(1, sum(requests));
}

export const countOf = ({ failures }: KindFigures, kind: FailureKind) => failures[kind] ?? 0;

export interface PresentKind {
  readonly name: KindName;
  readonly kind: Kind;
  readonly figures: KindFigures;
}

/** The kinds that took part. */
export const kindsOf = ({ load }: Pick<Campaign, "load">): readonly PresentKind[] =>
  KIND_NAMES.flatMap((name) => {
    const figures = load[name];
    return figures === undefined ? [] : [{ name, kind: KINDS[name], figures }];
  });

/** For the kinds where only HAProxy is at fault, and for the others. */
export function idleClosings(
  campaign: Campaign,
): { readonly excused: number; readonly other: number } {
  const count = (isExcused: boolean) =>
    sum(
      kindsOf(campaign)
        .filter(({ name, kind }) => !isOfQuic(name) && kind.mayMeetIdleClosing === isExcused)
        .map(({ figures }) => countOf(figures, "idle_closing")),
    );
  return { excused: count(true), other: count(false) };
}

/** The share of idle closings in the requests of the excused kinds. */
export function idleClosingShare(campaign: Campaign): number {
  const excused = kindsOf(campaign).filter(({ kind }) => kind.mayMeetIdleClosing)
    .map(({ figures }) => figures);
  return sum(excused.map((figures) => countOf(figures, "idle_closing"))) /
    Math.max(1, sum(excused.map(({ requests }) => requests)));
}

/**
 * What the supervisor uses at rest: the lower quartile of the first quarter of the run, and of the last. The
 * minimum would not do for the master, which uses nothing while it re-executes itself.
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

/** `null` if there is none. */
export const quantileOf = (values: readonly number[], share: number) =>
  values.length === 0 ? null : quantile(values, share);

export const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
