/** Writes the results of one HAProxy version as Markdown: a table of contestants, and one of client kinds. Pure. */
import type { Campaign } from "../run/campaign.ts";
import { CONTESTANTS } from "../contestants/contestants.ts";
import { type FailureKind, FAILURES } from "../../support/clients/failures.ts";
import type { KindFigures } from "../load/record.ts";
import {
  campaignsOf,
  disturbing,
  failedRequests,
  growthOf,
  idleClosings,
  kindsOf,
  quantileOf,
  refusedMs,
  requestsOf,
  type Results,
  servedMs,
  surroundings,
} from "./results.ts";

export function markdown(results: Results): string {
  return [
    contestantTable(results),
    "<details><summary>Each kind of clients</summary>",
    kindTable(results),
    "</details>",
    surroundings([results]).join(", "),
  ].join("\n\n");
}

/** The first few failures of each kind, one line each. */
export function examples(results: Results): string[] {
  return campaignsOf(results).flatMap(([name, campaign]) =>
    kindsOf(campaign).flatMap(({ kind: { title }, figures }) =>
      figures.examples.map(({ kind: failure, time, reload, detail }) =>
        `${CONTESTANTS[name].title}, ${title}: ${FAILURES[failure]} at ${time}, ` +
        `in reload ${reload}: ${detail}`
      )
    )
  );
}

/** Includes idle closings, as nothing tells which connections were idle. */
export function overQuicText(campaign: Campaign): string {
  const failed = failedRequests(campaign, { overQuic: true });
  return campaign.load.http3 === undefined ? "—" : count(failed);
}

const ROWS: readonly (readonly [title: string, cell: (campaign: Campaign) => string])[] = [
  ["reloads served, refused", reloadsText],
  ["reloads that ended otherwise", ({ mishaps }) => mishapsText(mishaps)],
  [
    "change to first answer: p50, p90, p99, most",
    (campaign) =>
      milliseconds([0.5, 0.9, 0.99, 1].map((share) => quantileOf(servedMs(campaign), share))),
  ],
  [
    "change to its refusal: p50, p99, most",
    (campaign) =>
      milliseconds([0.5, 0.99, 1].map((share) => quantileOf(refusedMs(campaign), share))),
  ],
  ["refused reloads that disturbed requests", (campaign) => count(disturbing(campaign).length)],
  ["requests", (campaign) => count(requestsOf(campaign))],
  ["**failed requests**, but for those over QUIC", failedText],
  ["failed requests over QUIC", overQuicText],
  ["met the closing of an idle connection: keep-alive, all others", idleClosingsText],
  [
    "longest time with no answer to a kind of clients",
    (campaign) =>
      milliseconds([Math.max(...kindsOf(campaign).map(({ figures }) => figures.longestGapMs))]),
  ],
  [
    "HAProxy processes: p50, most",
    ({ samples }) => numbers(samples.map(({ haproxyProcesses }) => haproxyProcesses)),
  ],
  [
    "their memory together: p50, most",
    ({ samples }) => `${numbers(samples.map(({ haproxyMemory }) => megabytes(haproxyMemory)))} MB`,
  ],
  [
    "open files of a HAProxy process: p50, most",
    ({ samples }) => numbers(samples.map(({ haproxyFiles }) => haproxyFiles)),
  ],
  [
    "memory of the wrapper or master: at first, at the end",
    (campaign) => growth(campaign, ({ memory }) => megabytes(memory), " MB"),
  ],
  [
    "its open files: at first, at the end",
    (campaign) => growth(campaign, ({ files }) => files, ""),
  ],
];

export function contestantTable(results: Results): string {
  const campaigns = campaignsOf(results);
  const rows = ROWS.map(([title, cell]) => [title, ...campaigns.map(([, one]) => cell(one))]);
  return table(["", ...campaigns.map(([name]) => CONTESTANTS[name].title)], rows);
}

export function kindTable(results: Results): string {
  const campaigns = campaignsOf(results);
  const all = campaigns.map(([name, campaign]) => [name, kindsOf(campaign)] as const);
  const rows = (all[0]?.[1] ?? []).flatMap(({ kind }, row) =>
    all.map(([name, kinds], index) => [
      index === 0 ? `${kind.title} (${kind.clients})` : "",
      CONTESTANTS[name].title,
      ...kindCells(kinds[row]!.figures),
    ])
  );
  const headings = [
    "clients",
    "",
    "requests",
    "connections",
    "failed",
    "longest gap",
    "longest answer",
  ];
  return table(headings, rows);
}

const kindCells = (figures: KindFigures) => [
  count(figures.requests),
  count(figures.connections),
  failuresText(figures),
  milliseconds([figures.longestGapMs]),
  milliseconds([figures.longestAnswerMs]),
];

function failuresText({ failures }: KindFigures): string {
  const texts = Object.entries(failures).map(([kind, number]) =>
    `${count(number)} ${FAILURES[kind as FailureKind]}`
  );
  return texts.length === 0 ? "0" : texts.join(", ");
}

export function mishapsText(mishaps: Campaign["mishaps"]): string {
  if (mishaps.length === 0) return "0";
  const byOutcome = Map.groupBy(mishaps, ({ what }) => what.split("\n")[0]!);
  return [...byOutcome].map(([what, some]) => {
    const changes = new Set(some.map(({ change }) => change.replace(/^content \d+$/, "a content")));
    return `${count(some.length)} × ${what} (${[...changes].join(", ")})`;
  }).join("; ");
}

function growth(campaign: Campaign, measure: Parameters<typeof growthOf>[1], unit: string): string {
  const found = growthOf(campaign, measure);
  return found === null ? "—" : `${amount(found.first)}, ${amount(found.last)}${unit}`;
}

function numbers(values: readonly number[]): string {
  return [0.5, 1].map((share) => amount(quantileOf(values, share) ?? 0)).join(", ");
}

const amount = (value: number) =>
  Number.isInteger(value) || value >= 1_000 ? count(Math.round(value)) : value.toFixed(1);

export const milliseconds = (values: readonly (number | null)[]) =>
  values.some((value) => value === null)
    ? "—"
    : `${values.map((value) => Math.round(value!).toLocaleString("en")).join(", ")} ms`;

export const count = (value: number) => value.toLocaleString("en");

/** A megabyte is 2^20 bytes. */
export const megabytes = (kilobytes: number) => kilobytes / 1_024;

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, headings.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export function reloadsText({ reloads }: Campaign): string {
  const refused = reloads.filter(({ refusal }) => refusal !== null).length;
  return `${count(reloads.length - refused)}, ${count(refused)}`;
}

export function failedText(campaign: Campaign): string {
  return `**${count(failedRequests(campaign, { overQuic: false }))}**`;
}

export function idleClosingsText(campaign: Campaign): string {
  const { excused, other } = idleClosings(campaign);
  return `${count(excused)}, ${count(other)}`;
}
