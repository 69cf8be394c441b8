/** The page that people look at: is it serving, with what, did the last change go live, and if not, why. Pure. */
import { Html, html } from "./html.ts";
import { failurePart } from "./failure.ts";
import { drainingPart, servingPart } from "./processes.ts";
import { settingsPart } from "./settings.ts";
import { ICON_COLOURS, PAGE_STYLE } from "./style.ts";
import { describeMoment, describeSeconds } from "./times.ts";
import { timelinePart } from "./timeline.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** Everything that is not the page's own is text: it is escaped, and the policy lets nothing load or run. */
export function statusPage(snapshot: Snapshot): string {
  const verdict = verdictOf(snapshot);
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${POLICY}">
        <meta http-equiv="refresh" content="${REFRESH_SECONDS}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${titleOf(verdict, snapshot)}</title>
        <link rel="icon" href="${iconOf(verdict)}">
        <style>${new Html(PAGE_STYLE)}</style>
      </head>
      <body class="${verdict.tone}">
        <header>
          <h1>${verdict.word}</h1>
          <p>${verdict.sentence}</p>
        </header>
        <main>
          ${failurePart(snapshot)}
          <div class="now">
            ${servingPart(snapshot)}
            ${drainingPart(snapshot)}
          </div>
          ${timelinePart(snapshot)}
        </main>
        ${footerPart(snapshot)}
      </body>
    </html>
  `.text;
}

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const REFRESH_SECONDS = 5;

function titleOf({ word }: Verdict, { state }: Snapshot): string {
  const generation = "service" in state ? `, generation ${state.service.serving.number}` : "";
  return `${word}${generation} - HAProxy`;
}

/** A dot, so that a tab tells even when it is too narrow for its title. */
const iconOf = ({ tone }: Verdict) =>
  "data:image/svg+xml," + encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">' +
      `<circle cx="8" cy="8" r="7" fill="${ICON_COLOURS[tone]}"/></svg>`,
  );

/** The links work behind a proxy that puts a path in front, too. */
function footerPart({ history, settings, versions, nowMs }: Snapshot): Html {
  const uptime = describeSeconds(nowMs - history.startedMs);
  return html`
    <footer>
      ${settingsPart(settings)}
      <nav aria-label="For programs">
        <a href="status">/status</a>
        <a href="metrics">/metrics</a>
        <a href="healthz">/healthz</a>
        <a href="readyz">/readyz</a>
      </nav>
      <p>haproxy-reload-wrapper ${versions.wrapper}, Deno ${versions
        .deno}, running for ${uptime}</p>
      <p>As of ${describeMoment(nowMs)} UTC, renewed every ${REFRESH_SECONDS} s</p>
    </footer>
  `;
}
