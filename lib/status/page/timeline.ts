/** The part of the page that lists starts, reloads and hot applies. Pure. */
import type { Change } from "../history/history.ts";
import { type Html, html } from "./html.ts";
import { pathList } from "./parts.ts";
import { describeSpan, time } from "./times.ts";
import type { Snapshot } from "../history/snapshot.ts";

export function timelinePart({ history, nowMs }: Snapshot): Html {
  const { changes } = history;
  return html`
    <section>
      <h2>What has changed</h2>
      ${changes.length === 0 ? html`<p>Nothing yet.</p>` : tablePart(changes, nowMs)}
    </section>
  `;
}

/** The roles are explicit because a narrow page shows rows as blocks, which loses them. */
function tablePart(changes: readonly Change[], nowMs: number): Html {
  const longestMs = Math.max(...changes.map(({ durationMs }) => durationMs));
  return html`
    <table class="timeline" role="table">
      <caption>${describeNumber(changes.length)}Times in UTC.</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Time</th>
          <th scope="col" role="columnheader">Change</th>
          <th scope="col" role="columnheader">Result</th>
          <th scope="col" role="columnheader">Took</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${changes.map((change) => rowPart(change, { longestMs, nowMs }))}
      </tbody>
    </table>
  `;
}

const describeNumber = (number: number) => number === 1 ? "" : `The last ${number}, newest first. `;

function rowPart(
  change: Change,
  { longestMs, nowMs }: { readonly longestMs: number; readonly nowMs: number },
): Html {
  const { kind, result, endedMs, durationMs } = change;
  return html`
    <tr role="row" class="${result}">
      <th scope="row" role="rowheader">${time(endedMs, nowMs)}</th>
      <td role="cell" class="what">${whatPart(change)}</td>
      <td role="cell" class="result">${RESULTS[kind][result]}</td>
      <td role="cell" class="took">${tookPart(durationMs, longestMs)}</td>
    </tr>
  `;
}

const RESULTS = {
  start: { success: "live", failure: "failed" },
  reload: { success: "live", failure: "rejected" },
  hot_apply: { success: "live", failure: "refused" },
} as const satisfies Record<Change["kind"], Record<Change["result"], string>>;

function whatPart(change: Change): Html {
  const { kind, changed, failure } = change;
  return html`
    <p>${titlePart(change)}</p>
    ${kind === "start" ? "" : pathList(changed)}
    ${failure === null ? "" : html`<p class="why">${failure}</p>`}
  `;
}

function titlePart({ kind, generation, reason }: Change): Html {
  const why = html`<span class="aside">${shorten(reason)}</span>`;
  switch (kind) {
    case "start":
      return html`<b>Start</b> of generation ${generation} ${reason === "start" ? "" : why}`;
    case "reload":
      return html`<b>Reload</b> to generation ${generation} ${why}`;
    case "hot_apply":
      return html`<b>Hot apply</b> to generation ${generation} ${why}`;
    default:
      return kind satisfies never;
  }
}

/** Redundant after "Reload", and wrong after "Hot apply". */
const shorten = (reason: string) => reason.replace(/^reloaded /, "");

function tookPart(durationMs: number, longestMs: number): Html {
  const bar = html`<span class="bar" style="width: ${percentOf(durationMs, longestMs)}%"></span>`;
  return html`${describeSpan(durationMs)}${durationMs > 0 ? bar : ""}`;
}

const percentOf = (part: number, whole: number) => Math.round(100 * part / whole);
