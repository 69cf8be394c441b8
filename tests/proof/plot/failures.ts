/** How many requests of each kind of clients failed: a bar for each contestant. Pure. */
import type { Campaign } from "../campaign.ts";
import type { ContestantName } from "../contestants/contestants.ts";
import { KIND_NAMES, type KindName, KINDS } from "../load/kinds.ts";
import { countOf, failedOf } from "../results.ts";
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
};

interface Bar {
  readonly label: string;
  readonly count: (campaign: Campaign) => number;
}

/** What HAProxy causes by itself has a row of its own. */
const BARS: readonly Bar[] = [
  ...KIND_NAMES.map((name) => ({
    label: LABELS[name],
    count: ({ load }: Campaign) =>
      failedOf(load[name]) +
      (KINDS[name].mayMeetIdleClosing ? 0 : countOf(load[name], "idle_closing")),
  })),
  {
    label: "keep-alive, met idle close",
    count: ({ load }) => countOf(load.keep_alive, "idle_closing"),
  },
];

export function failures(
  frame: Frame,
  campaigns: readonly (readonly [ContestantName, Campaign])[],
): string {
  const spans = spansOf(frame, { left: 158 });
  const across = { ...spans.across, to: spans.across.to - 46 };
  const most = Math.max(...campaigns.flatMap(([, one]) => BARS.map(({ count }) => count(one))));
  const scale = logarithmicFromZero(most, across);
  const rowHeight = (spans.up.from - spans.up.to) / BARS.length;
  const barHeight = (rowHeight - 8) / campaigns.length;
  const rows = BARS.map(({ label, count }, row) => {
    const top = spans.up.to + row * rowHeight;
    const bars = campaigns.map(([name, campaign], index) => {
      const y = top + 4 + index * barHeight;
      const end = scale.place(count(campaign));
      const bar = {
        x: across.from,
        y,
        width: Math.max(end - across.from, 1.5),
        height: barHeight - 1,
      };
      return element("rect", { ...bar, class: `bar ${name}` }) +
        text(count(campaign).toLocaleString("en"), {
          x: end + 6,
          y: y + barHeight / 2 + 3,
          class: "value",
        });
    });
    const place = { x: across.from - 8, y: top + rowHeight / 2 + 4 };
    return text(label, { ...place, class: "tick", "text-anchor": "end" }) + bars.join("");
  });
  return group(
    panelTitle(frame, "Failed requests", "by kind of clients"),
    horizontalAxis(
      { scale, label: (tick) => tick.toLocaleString("en") },
      { ...spans, across },
      "failed requests, logarithmic",
    ),
    ...rows,
  );
}
