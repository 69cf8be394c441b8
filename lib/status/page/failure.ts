/** The part of the page that says why the last change did not go live. Pure. */
import type { Change, OpenFailure } from "../history/history.ts";
import { type Html, html, NOTHING } from "./html.ts";
import { fact, pathList } from "./parts.ts";
import { since } from "./times.ts";
import { type Excerpt, lastGoodOf, type Snapshot } from "../history/snapshot.ts";

export function failurePart(snapshot: Snapshot): Html {
  const { history, excerpts, nowMs } = snapshot;
  const { failure, changes } = history;
  if (failure === null) return NOTHING;
  const failed = changes.find((change) => isOf(change, failure));
  const isRetried = failure.lastTriedMs !== failure.sinceMs;
  return html`
    <section class="failed">
      <h2>${titleOf(snapshot)}</h2>
      ${alertsPart(failure.alerts)}
      ${excerpts.map(excerptPart)}
      <dl>
        ${fact("Reason", failure.reason)}
        ${fact("Since", since(failure.sinceMs, nowMs))}
        ${isRetried ? fact("Last tried", since(failure.lastTriedMs, nowMs)) : ""}
        ${fact("Changed", pathList(failed?.changed ?? null))}
      </dl>
    </section>
  `;
}

function titleOf({ state, history }: Snapshot): string {
  if (lastGoodOf(state) !== null) return "Why the files on disk do not serve";
  return history.lastSuccessMs === null
    ? "Why nothing serves"
    : "Why the last change did not go live";
}

const isOf = (change: Change, { generation, lastTriedMs }: OpenFailure) =>
  change.result === "failure" && change.endedMs === lastTriedMs &&
  (generation === null || change.generation === generation);

function alertsPart(alerts: readonly string[]): Html {
  if (alerts.length === 0) return NOTHING;
  return html`
    <h3>HAProxy says</h3>
    <pre class="alerts"><code>${alerts.join("\n")}</code></pre>
  `;
}

function excerptPart({ path, line, lines }: Excerpt): Html {
  const digits = String(lines.at(-1)?.number).length;
  const numbered = lines.map((shown) =>
    linePart(shown, { digits, isFailing: shown.number === line })
  );
  return html`
    <figure>
      <figcaption><code>${path}</code>, line ${line}</figcaption>
      <pre class="excerpt" tabindex="0"><code>${numbered}</code></pre>
    </figure>
  `;
}

/** Each line is a block, so the line feed shows only in copied text. */
function linePart(
  { number, text }: Excerpt["lines"][number],
  { digits, isFailing }: { readonly digits: number; readonly isFailing: boolean },
): Html {
  const margin = `${isFailing ? ">" : " "} ${String(number).padStart(digits)}`;
  const content = html`<span class="margin">${margin}</span>  ${text}`;
  return isFailing ? html`<mark>${content}\n</mark>` : html`<span>${content}\n</span>`;
}
