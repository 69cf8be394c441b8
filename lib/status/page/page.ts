/** The page for people: what serves, whether the last change went live, and if not, why. Pure. */
import { wordsOf } from "../../settings/haproxy_arguments.ts";
import { settingsInForce } from "../../settings/options.ts";
import type { Settings } from "../../settings/settings.ts";
import { Html, html } from "./html.ts";
import { failurePart } from "./failure.ts";
import { drainingPart, servingPart } from "./processes.ts";
import { detailsPart } from "./parts.ts";
import { ICON_COLOURS, PAGE_STYLE } from "./style.ts";
import { describeMoment, describeSeconds } from "./times.ts";
import { timelinePart } from "./timeline.ts";
import type { Snapshot } from "../history/snapshot.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** All foreign text is escaped, and the policy lets nothing load or run. */
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

/** A dot, for tabs too narrow for a title. */
const iconOf = ({ tone }: Verdict) =>
  "data:image/svg+xml," + encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">' +
      `<circle cx="8" cy="8" r="7" fill="${ICON_COLOURS[tone]}"/></svg>`,
  );

/** The links are relative, for proxies that add a path prefix. */
function footerPart({ history, settings, versions, nowMs }: Snapshot): Html {
  const { wrapper, deno } = versions;
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
      <p>haproxy-reload-wrapper ${wrapper}, Deno ${deno}, running for ${uptime}</p>
      <p>As of ${describeMoment(nowMs)} UTC, reloads every ${REFRESH_SECONDS} s</p>
    </footer>
  `;
}

function settingsPart(settings: Settings): Html {
  return detailsPart("settings", {
    summary: "Settings",
    content: html`
      <table class="settings">
        <caption>In force, by flags, variables and defaults</caption>
        <thead>
          <tr>
            <th scope="col">Flag</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          ${settingsInForce(settings).map(({ flag, text }) => settingRow(`--${flag}`, text))}
          ${settingRow("HAProxy's arguments", wordsOf(settings.haproxy).join(" "))}
        </tbody>
      </table>
    `,
  });
}

const settingRow = (name: string, value: string): Html =>
  html`
    <tr>
      <th scope="row"><code>${name}</code></th>
      <td>${value}</td>
    </tr>
  `;
