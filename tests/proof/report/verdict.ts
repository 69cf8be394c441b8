/** All faults of the wrapper in a run, a line each. Pure. */
import type { Campaign } from "../run/campaign.ts";
import { type FailureKind, FAILURES } from "../../support/clients/failures.ts";
import { isOfQuic } from "../load/kinds.ts";
import {
  countOf,
  failedRequests,
  growthOf,
  idleClosings,
  idleClosingShare,
  kindsOf,
  quicFailureShare,
  type Results,
} from "./results.ts";

export function faultsOf({ campaigns, isSoak }: Results): string[] {
  const { wrapper, "by-hand": byHand } = campaigns;
  if (wrapper === undefined) return [];
  return [
    ...mishapsOf(wrapper),
    ...failuresOf(wrapper),
    ...byHand === undefined
      ? []
      : [...idleClosingsBeside(wrapper, byHand), ...quicFailuresBeside(wrapper, byHand)],
    ...isSoak ? growing(wrapper) : [],
  ];
}

const mishapsOf = ({ mishaps }: Campaign) =>
  mishaps.map(({ number, change, what }) => `reload ${number} (${change}): ${what}`);

function failuresOf(campaign: Campaign): string[] {
  return kindsOf(campaign).flatMap(({ name, kind: { title, mayMeetIdleClosing }, figures }) => {
    const { failures, requests } = figures;
    const faults = Object.entries(failures)
      .filter(([kind]) => !isOfQuic(name) || kind === "wrong")
      .filter(([kind]) => kind !== "idle_closing" || !mayMeetIdleClosing)
      .map(([kind, count]) => `${title}: ${count} × ${FAILURES[kind as FailureKind]}`);
    const answered = requests - Object.keys(failures)
      .reduce((total, kind) => total + countOf(figures, kind as FailureKind), 0);
    return answered > 0 ? faults : [...faults, `${title}: no request was answered`];
  });
}

/** Fewer prove nothing. */
const FEW = 10;
const MOST_TIMES = 3;

/** HAProxy causes them in both, so the wrapper must not have many more. */
function idleClosingsBeside(wrapper: Campaign, byHand: Campaign): string[] {
  const { excused } = idleClosings(wrapper);
  const [ours, theirs] = [idleClosingShare(wrapper), idleClosingShare(byHand)];
  if (excused <= FEW || ours <= MOST_TIMES * theirs) return [];
  return [
    `${perMille(ours)} of the keep-alive requests met the closing of their connection, by hand ${
      perMille(theirs)
    }`,
  ];
}

/**
 * Likewise: a HAProxy that is told to stop cuts buffered QUIC answers, and never accepts a connection whose handshake
 * ends later (3.2 to 3.4).
 */
function quicFailuresBeside(wrapper: Campaign, byHand: Campaign): string[] {
  const [ours, theirs] = [quicFailureShare(wrapper), quicFailureShare(byHand)];
  if (failedRequests(wrapper, { overQuic: true }) <= FEW || ours <= MOST_TIMES * theirs) return [];
  return [`${perMille(ours)} of the requests over QUIC failed, by hand ${perMille(theirs)}`];
}

const perMille = (share: number) => `${(1_000 * share).toFixed(2)} in 1,000`;

/** In kB: garbage is collected after each change, but not every page is returned. */
const MOST_MORE_MEMORY = 2_048;
/** Each draining process is queried over a connection. */
const MOST_MORE_FILES = 5;

function growing(wrapper: Campaign): string[] {
  const memory = growthOf(wrapper, (supervisor) => supervisor.memory);
  const files = growthOf(wrapper, (supervisor) => supervisor.files);
  const grown = (what: string, growth: typeof memory, limit: number) =>
    growth === null || growth.last - growth.first <= limit ? [] : [
      `the wrapper's ${what} grew from ${Math.round(growth.first)} to ${
        Math.round(growth.last)
      }, wanted at most ${limit} more`,
    ];
  return [
    ...grown("memory in kB", memory, MOST_MORE_MEMORY),
    ...grown("open files", files, MOST_MORE_FILES),
  ];
}
