/** Tells what the user has to know of some words of the configuration, once for the same words. */
import { forbidsWarnings } from "../../haproxy/handoff/preparation.ts";
import type { LoadedFiles } from "../../loaded/loaded_files.ts";
import type { Noted } from "../../config/needs.ts";
import type { Log, LogEntry } from "../../system/log.ts";
import type { Settings } from "../../settings/settings.ts";

export interface NotedWordsOptions {
  readonly settings: Pick<Settings, "haproxy">;
  readonly loadedFiles: Pick<LoadedFiles, "needs">;
  readonly log: Log;
}

export class NotedWords {
  readonly #options: NotedWordsOptions;
  #told = new Map<Noted, string>();

  constructor(options: NotedWordsOptions) {
    this.#options = options;
  }

  /** Of what `generation` has loaded, which serves now. */
  tell(generation: number): void {
    const { log } = this.#options;
    const words = this.#words;
    for (const [what, place] of words) {
      if (this.#told.get(what) !== place) log(TEXTS[what](generation, place));
    }
    this.#told = words;
  }

  get #words(): Map<Noted, string> {
    const { settings, loadedFiles } = this.#options;
    const needs = loadedFiles.needs();
    const strict = needs.loadsServerState ? forbidsWarnings(settings.haproxy, needs) : null;
    const words = { ...needs.noted, zero_warning: strict };
    const all = Object.entries(words) as [Noted, string | null][];
    return new Map(all.filter((one): one is [Noted, string] => one[1] !== null));
  }
}

const warning = (text: string, generation: number, reason: string): LogEntry => ({
  level: "warning",
  text,
  fields: { generation, reason },
});

const TEXTS: Readonly<Record<Noted, (generation: number, place: string) => LogEntry>> = {
  shared_sockets: (generation, place) =>
    warning(
      `each reload of generation ${generation} cuts its QUIC connections: they share the ` +
        `listener's socket, which the next process takes over (${place}); without that each has its own`,
      generation,
      place,
    ),
  zero_warning: (generation, place) =>
    warning(
      `no reload keeps the state of generation ${generation}'s servers: HAProxy warns of each that ` +
        `is down or drains, and refuses to start after a warning (${place})`,
      generation,
      place,
    ),
  pidfile: (generation, place) =>
    warning(
      `no process id is written: only a daemon writes one, and generation ${generation} runs in the ` +
        `foreground (${place}, which has no effect)`,
      generation,
      place,
    ),
};
