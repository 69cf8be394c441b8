/** The parts of the page about the serving process and the draining ones. Pure. */
import type { LastGood } from "../../last_good/manifest.ts";
import { type Generation, servingIn } from "../../supervisor/state/state.ts";
import {
  type FileMark,
  type Fingerprint,
  isUnreadable,
  MISSING,
} from "../../watch/scan/fingerprint.ts";
import { type Html, html, NOTHING, type Part } from "./html.ts";
import { detailsPart, fact } from "./parts.ts";
import { describeSeconds, since, time } from "./times.ts";
import { drainingOf, type DrainingProcess } from "../history/history.ts";
import type { Snapshot } from "../history/snapshot.ts";

export function servingPart(snapshot: Snapshot): Html {
  const { state } = snapshot;
  const serving = servingIn(state);
  const isFirst = state.name === "starting" && state.lost === null;
  const absence = html`<p>Nothing${isFirst ? " yet" : ""}.</p>`;
  return html`
    <section>
      <h2>What serves</h2>
      ${serving === null ? absence : generationPart(serving, snapshot)}
    </section>
  `;
}

function generationPart(generation: Generation, snapshot: Snapshot): Html {
  const { number, fingerprint, changedDuringRead, lastGood } = generation;
  const { history, nowMs } = snapshot;
  const process = history.processes.get(number);
  const doubt = changedDuringRead ? "(changed during the read)" : "";
  return html`
    <dl>
      ${fact("Generation", number)}
      ${fact("PID", process?.pid ?? "unknown")}
      ${fact("HAProxy", history.haproxyVersion ?? "unknown")}
      ${fact("Since", process === undefined ? "unknown" : since(process.servingSinceMs, nowMs))}
      ${lastGood === undefined ? "" : fact("Files", recordedPart(lastGood, nowMs))}
      ${fact("Content", noted(digestPart(fingerprint), doubt))}
      ${wantedPart(fingerprint, snapshot)}
      ${removedPart(snapshot)}
      ${fact("Watched", watchedPart(snapshot))}
    </dl>
    ${fingerprint === null ? "" : filesPart(fingerprint)}
  `;
}

const digestPart = (fingerprint: Fingerprint | null) =>
  fingerprint === null ? "unknown" : html`<code>${shorten(fingerprint.digest)}</code>`;

const recordedPart = ({ directory, recordedMs }: LastGood, nowMs: number) =>
  html`the last good ones, in <code>${directory}</code> since ${since(recordedMs, nowMs)}`;

/** Shown only if what serves is not what is wanted. */
function wantedPart(fingerprint: Fingerprint | null, { history, nowMs }: Snapshot): Html {
  const { desired } = history;
  if (desired === null || desired.digest === fingerprint?.digest) return NOTHING;
  const { digest, sinceMs } = desired;
  return fact("Wanted", html`<code>${shorten(digest)}</code> since ${since(sinceMs, nowMs)}`);
}

/** Shown only if there are any. */
function removedPart({ removedServers }: Snapshot): Html {
  if (removedServers.length === 0) return NOTHING;
  const shown = removedServers.slice(0, MOST_SERVERS);
  const more = removedServers.length - shown.length;
  const names = html`${
    shown.map((name, index) => html`${index > 0 ? ", " : ""}<code>${name}</code>`)
  }`;
  return fact("Removed servers", noted(names, more > 0 ? `and ${more} more` : "(in maintenance)"));
}

const MOST_SERVERS = 10;

function watchedPart({ watching, settings }: Snapshot): Part {
  const { files, pollFinds } = watching;
  if (!settings.watch) return "nothing (--no-reload)";
  const finds = count(pollFinds, "change was", "changes were");
  return noted(
    count(files, "file", "files"),
    pollFinds === 0 ? "" : `(${finds} found only by the poll)`,
  );
}

const noted = (part: Part, note: string): Part =>
  note === "" ? part : html`${part} <span class="aside">${note}</span>`;

const count = (number: number, one: string, many: string) =>
  `${number} ${number === 1 ? one : many}`;

function filesPart({ files }: Fingerprint): Html {
  const shown = [...files].slice(0, MOST_FILES);
  const more = files.size - shown.length;
  return detailsPart("files", {
    summary: "Its files",
    content: html`
      <ul class="files">${shown.map(filePart)}</ul>
      ${more > 0 ? html`<p class="aside">and ${more} more, see --list-watched</p>` : ""}
    `,
  });
}

const filePart = ([path, mark]: readonly [string, FileMark]) =>
  html`
    <li><code>${path}</code> <span class="aside">${describeMark(mark)}</span></li>
  `;

function describeMark({ content }: FileMark): Html {
  if (content === MISSING) return html`missing`;
  if (isUnreadable(content)) return html`unreadable`;
  return html`<code>${shorten(content)}</code>`;
}

const shorten = (digest: string) => digest.slice(0, 12);

/** Limited because the page is sent every few seconds. */
const MOST_FILES = 500;

export function drainingPart(snapshot: Snapshot): Html {
  const draining = drainingOf(snapshot.history);
  return html`
    <section>
      <h2>What still drains</h2>
      ${draining.length === 0 ? html`<p>Nothing.</p>` : tablePart(draining, snapshot)}
    </section>
  `;
}

function tablePart(draining: readonly DrainingProcess[], snapshot: Snapshot): Html {
  return html`
    <table class="draining">
      <caption>Oldest first, times in UTC${describeLimit(snapshot)}</caption>
      <thead>
        <tr>
          <th scope="col">Generation</th>
          <th scope="col">PID</th>
          <th scope="col">Since</th>
          <th scope="col">Connections</th>
        </tr>
      </thead>
      <tbody>
        ${draining.map((process) => rowPart(process, snapshot))}
      </tbody>
    </table>
  `;
}

function describeLimit({ settings }: Snapshot): string {
  const { shutdownWaitMs } = settings;
  return shutdownWaitMs === null
    ? ""
    : `; each is stopped after ${describeSeconds(shutdownWaitMs)}`;
}

function rowPart(
  { generation, pid, drainingSinceMs }: DrainingProcess,
  { connections, nowMs }: Snapshot,
): Html {
  const age = describeSeconds(nowMs - drainingSinceMs);
  return html`
    <tr>
      <th scope="row">${generation}</th>
      <td>${pid}</td>
      <td>${time(drainingSinceMs, nowMs)} <span class="age">${age}</span></td>
      <td>${connections.get(generation) ?? "unknown"}</td>
    </tr>
  `;
}
