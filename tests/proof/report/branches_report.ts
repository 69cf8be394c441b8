/** Writes the results of several HAProxy versions as one Markdown table, with the details of each folded away. Pure. */
import type { Campaign } from "../run/campaign.ts";
import { CONTESTANTS } from "../contestants/contestants.ts";
import {
  contestantTable,
  count,
  failedText,
  idleClosingsText,
  kindTable,
  milliseconds,
  mishapsText,
  overQuicText,
  reloadsText,
  table,
} from "./report.ts";
import {
  campaignsOf,
  haproxyOf,
  quantileOf,
  refusedMs,
  requestsOf,
  type Results,
  servedMs,
  surroundings,
} from "./results.ts";

export function branchesMarkdown(runs: readonly Results[]): string {
  return [
    branchTable(runs),
    ...runs.flatMap((run) => [
      `<details><summary>${haproxyOf(run)}: all figures, and each kind of clients</summary>`,
      contestantTable(run),
      kindTable(run),
      "</details>",
    ]),
    surroundings(runs).join(", "),
  ].join("\n\n");
}

const COLUMNS: readonly (readonly [title: string, cell: (campaign: Campaign) => string])[] = [
  ["reloads served, refused", reloadsText],
  ["ended otherwise", ({ mishaps }) => mishapsText(mishaps)],
  ["change to first answer: p50, p99, most", (campaign) => times(servedMs(campaign))],
  ["to its refusal: p50, p99, most", (campaign) => times(refusedMs(campaign))],
  ["requests", (campaign) => count(requestsOf(campaign))],
  ["**failed**, but for QUIC", failedText],
  ["failed over QUIC", overQuicText],
  ["met an idle closing: keep-alive, others", idleClosingsText],
];

const times = (values: readonly number[]) =>
  milliseconds([0.5, 0.99, 1].map((share) => quantileOf(values, share)));

function branchTable(runs: readonly Results[]): string {
  const rows = runs.flatMap((run) =>
    campaignsOf(run).map(([name, campaign], index) => [
      index === 0 ? haproxyOf(run) : "",
      CONTESTANTS[name].title,
      ...COLUMNS.map(([, cell]) => cell(campaign)),
    ])
  );
  return table(["", "", ...COLUMNS.map(([title]) => title)], rows);
}
