/** The part of the page that lists the settings, as the command line calls them. Pure. */
import { wordsOf } from "../settings/haproxy_arguments.ts";
import { settingsInForce } from "../settings/options.ts";
import type { Settings } from "../settings/settings.ts";
import { type Html, html } from "./html.ts";
import { detailsPart } from "./page_details.ts";

export function settingsPart(settings: Settings): Html {
  return detailsPart("settings", {
    summary: "Settings",
    content: html`
      <table class="settings">
        <caption>What is in force, wherever it was set</caption>
        <thead>
          <tr>
            <th scope="col">Flag</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          ${settingsInForce(settings).map(({ flag, text }) => rowPart(`--${flag}`, text))}
          ${rowPart("HAProxy's arguments", wordsOf(settings.haproxy).join(" "))}
        </tbody>
      </table>
    `,
  });
}

const rowPart = (name: string, value: string): Html =>
  html`
    <tr>
      <th scope="row"><code>${name}</code></th>
      <td>${value}</td>
    </tr>
  `;
