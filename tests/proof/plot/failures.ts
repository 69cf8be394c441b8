/** How many requests of each kind failed: a bar for each contestant. Pure. */
import type { Campaign } from "../run/campaign.ts";
import type { ContestantName } from "../contestants/contestants.ts";
import type { KindName } from "../load/kinds.ts";
import { failedOf, failedRequests, idleClosings, kindsOf } from "../report/results.ts";
import { type Frame, group, horizontalAxis, panelTitle, spansOf } from "./panel.ts";
import { logarithmicFromZero } from "./scale.ts";
import { element, text } from "./svg.ts";

/** Shorter than the titles of the kinds. */
const LABELS: Readonly<Record<KindName, string>> = {
  new_connection: "connection each request",
  keep_alive: "keep-alive",
  keep_alive_closing: "keep-alive, idle-close-…",
  tls: "TLS",
  http2: "HTTP/2",
  tcp: "TCP, long-lived",
  http3: "HTTP/3, connection each …",
  http3_kept: "HTTP/3, kept",
};

interface Bar {
  readonly label: string;
  readonly count: number;
}

/** What HAProxy itself causes has a row of its own. */
const byKind = (campaign: Campaign): readonly Bar[] => [
  ...kindsOf(campaign).map(({ name, kind, figures }) => ({
    label: LABELS[name],
    count: failedOf(figures) +
      (kind.mayMeetIdleClosing ? 0 : figures.failures.idle_closing ?? 0),
  })),
  { label: "keep-alive, met idle close", count: idleClosings(campaign).excused },
];

/** Only TCP, QUIC, and what HAProxy itself causes. */
export const inShort = (campaign: Campaign): readonly Bar[] => [
  {
    label: "HTTP/1, HTTP/2, TLS, TCP",
    count: failedRequests(campaign, { overQuic: false }) + idleClosings(campaign).other,
  },
  ...campaign.load.http3 === undefined
    ? []
    : [{ label: "HTTP/3", count: failedRequests(campaign, { overQuic: true }) }],
  { label: "keep-alive, met idle close", count: idleClosings(campaign).excused },
];

export interface FailuresMore {
  readonly title?: string;
  readonly subtitle?: string;
  readonly barsOf?: (campaign: Campaign) => readonly Bar[];
}

export function failures(
  frame: Frame,
  campaigns: readonly (readonly [ContestantName, Campaign])[],
  { title = "Failed requests", subtitle = "by kind of clients", barsOf = byKind }: FailuresMore =
    {},
): string {
  const spans = spansOf(frame, { left: 158 });
  const across = { ...spans.across, to: spans.across.to - 46 };
  const all = campaigns.map(([name, campaign]) => [name, barsOf(campaign)] as const);
  const most = Math.max(...all.flatMap(([, bars]) => bars.map(({ count }) => count)));
  const scale = logarithmicFromZero(most, across);
  const labels = all[0]?.[1].map(({ label }) => label) ?? [];
  const rowHeight = (spans.up.from - spans.up.to) / labels.length;
  const barHeight = (rowHeight - 8) / campaigns.length;
  const rows = labels.map((label, row) => {
    const top = spans.up.to + row * rowHeight;
    const bars = all.map(([name, bars], index) => {
      const { count } = bars[row]!;
      const y = top + 4 + index * barHeight;
      const end = scale.place(count);
      const bar = {
        x: across.from,
        y,
        width: Math.max(end - across.from, 1.5),
        height: barHeight - 1,
      };
      return element("rect", { ...bar, class: `bar ${name}` }) +
        text(count.toLocaleString("en"), { x: end + 6, y: y + barHeight / 2 + 3, class: "value" });
    });
    const place = { x: across.from - 8, y: top + rowHeight / 2 + 4 };
    return text(label, { ...place, class: "tick", "text-anchor": "end" }) + bars.join("");
  });
  return group(
    panelTitle(frame, title, subtitle),
    horizontalAxis(
      { scale, label: (tick) => tick.toLocaleString("en") },
      { ...spans, across },
      "failed requests, logarithmic",
    ),
    ...rows,
  );
}
