/** The part of the page that lists the settings, as the command line calls them. Pure. */
import { formatDuration } from "../duration.ts";
import { describeStatusAddress } from "../settings/status_address.ts";
import { type OptionName, OPTIONS } from "../settings/options.ts";
import type { Settings } from "../settings/settings.ts";
import { type Html, html } from "./html.ts";
import { detailsPart } from "./page_details.ts";

export function settingsPart(settings: Settings): Html {
  const rows = Object.entries(valuesOf(settings)) as [SettingName, string][];
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
          ${rows.map(([name, value]) => rowPart(`--${OPTIONS[name].flag}`, value))}
          ${rowPart("HAProxy's arguments", wordsOf(settings).join(" "))}
        </tbody>
      </table>
    `,
  });
}

/** Those that only run the program for something else are not in force while it runs. */
type SettingName = Exclude<OptionName, "listWatched" | "check" | "help" | "version">;

const valuesOf = (settings: Settings): Readonly<Record<SettingName, string>> => ({
  socket: settings.userSocket ?? NONE,
  watch: settings.watchPaths.join(" ") || NONE,
  envFile: settings.envFile ?? NONE,
  noWatchLoaded: yesOrNo(!settings.watchLoaded),
  noHotApply: yesOrNo(!settings.hotApply),
  noReload: yesOrNo(!settings.watch),
  shutdownWait: settings.shutdownWaitMs === null
    ? "no limit"
    : formatDuration(settings.shutdownWaitMs),
  drainDelay: formatDuration(settings.drainDelayMs),
  gracefulTerm: yesOrNo(settings.gracefulTerm),
  pauseOnBindConflict: yesOrNo(settings.pauseOnBindConflict),
  maxDraining: String(settings.maxDraining),
  respawn: settings.respawn === 0 ? "off" : `${settings.respawn} in a minute`,
  readyTimeout: formatDuration(settings.readyTimeoutMs),
  settleTime: formatDuration(settings.settleMs),
  pollInterval: settings.pollIntervalMs === 0 ? "off" : formatDuration(settings.pollIntervalMs),
  minReloadInterval: formatDuration(settings.minReloadIntervalMs),
  runtimeDir: settings.runtimeParents.join(" "),
  lastGood: settings.lastGood ?? NONE,
  statusListen: settings.statusListen === null
    ? NONE
    : describeStatusAddress(settings.statusListen),
  statusHost: settings.statusHosts.join(" ") || NONE,
  reloadEndpoint: yesOrNo(settings.reloadEndpoint),
  logFormat: settings.logFormat,
  logLevel: settings.logLevel,
});

const NONE = "none";

const yesOrNo = (is: boolean) => is ? "yes" : "no";

const wordsOf = ({ haproxy: { options, filesAfterDashes } }: Settings) =>
  filesAfterDashes === null ? options : [...options, "--", ...filesAfterDashes];

const rowPart = (name: string, value: string): Html =>
  html`
    <tr>
      <th scope="row"><code>${name}</code></th>
      <td>${value}</td>
    </tr>
  `;
