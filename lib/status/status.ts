/** Observes the supervisor and answers operators over HTTP. Only `POST /reload` asks it to do anything. */
import type { Settings } from "../settings/settings.ts";
import { describeStatusAddress, type StatusAddress } from "../settings/status_address.ts";
import { firstDecision } from "../supervisor/decisions/decide.ts";
import { servingIn, type State } from "../supervisor/state/state.ts";
import type { Step } from "../supervisor/supervisor.ts";
import type { Log } from "../system/log.ts";
import { readExcerpts } from "./excerpts.ts";
import { createExpiries } from "./expiries.ts";
import { health, readiness } from "./health.ts";
import { type History, newHistory } from "./history/history.ts";
import { reduceHistory } from "./history/history_reducer.ts";
import type { Excerpt, Figures, Snapshot } from "./history/snapshot.ts";
import { listenForStatus, type StatusListening, type WithUmask } from "./http/listener.ts";
import { metricsText } from "./metrics.ts";
import { statusPage } from "./page/page.ts";
import { reloadAndWait, shareReloads } from "./reload_endpoint.ts";
import { statusReport } from "./report.ts";
import { route, type Views } from "./routes.ts";
import { shortCache } from "./short_cache.ts";

export interface StatusOptions {
  readonly settings: Settings;
  readonly versions: Snapshot["versions"];
  /** The base of HAProxy's relative paths. */
  readonly directory: string;
  readonly log: Log;
  readonly collectGarbageSoon: () => void;
  /** Keeps other users out of a unix socket; `null` without a C library. */
  readonly withUmask: WithUmask | null;
  /** Receives what is thrown here: a bug in the status never affects the supervisor or HAProxy. */
  readonly onBug: (bug: unknown) => void;
}

/** The parts that carry out the supervisor's decisions. */
export interface Source {
  readonly figures: Figures;
  requestReload(order: "POST /reload"): void;
}

export class Status {
  readonly #options: StatusOptions;
  readonly #readExpiries = createExpiries();
  readonly #watchers = new Set<(step: Step) => void>();
  #history: History = newHistory(Date.now());
  #state: State = firstDecision(null)[0];
  #source: Source | null = null;
  #answers = 0;
  #excerpts: readonly Excerpt[] = [];

  readonly #metrics = shortCache(async () => metricsText(this.#snapshot(), await this.#expiries()));
  readonly #report = shortCache(() => statusReport(this.#snapshot()));
  readonly #page = shortCache(() => statusPage(this.#snapshot()));

  constructor(options: StatusOptions) {
    this.#options = options;
  }

  /** Records a step of the supervisor. */
  readonly observe = (step: Step): void => {
    this.#state = step.after;
    this.#forget();
    const before = this.#history.failure;
    this.#history = reduceHistory(this.#history, { ...step, nowMs: Date.now() });
    if (this.#history.failure !== before) this.#showExcerpts(step).catch(this.#options.onBug);
    this.#watchers.forEach((onStep) => onStep(step));
  };

  attach(source: Source): void {
    this.#source = source;
  }

  /** Answers requests at `address` from now on. */
  async listen(address: StatusAddress): Promise<StatusListening> {
    const { settings, onBug, withUmask, log } = this.#options;
    const names = namesOf(address, settings);
    const views: Views = {
      health: () => health(this.#state),
      readiness: () => readiness(this.#state),
      metrics: this.#metrics.get,
      report: this.#report.get,
      page: this.#page.get,
      reload: settings.reloadEndpoint ? this.#reload : null,
    };
    const listening = await listenForStatus(address, {
      onBug,
      withUmask,
      respond: (request, gone) => {
        this.#collectGarbageAtTimes();
        return route(request, views, { names, gone });
      },
    });
    const where = describeStatusAddress(address);
    if (listening.tag === "listening") {
      const text = `status, health and metrics on ${where}`;
      log({ level: "info", text, fields: { reason: where } });
      return listening;
    }
    const reason = `cannot listen for the status on "${where}": ${listening.reason}`;
    return { tag: "not_listening", reason };
  }

  /** Left to itself, V8 would let the garbage of hundreds of answers pile up. */
  #collectGarbageAtTimes(): void {
    if (++this.#answers % ANSWERS_PER_COLLECTION === 0) this.#options.collectGarbageSoon();
  }

  #forget(): void {
    for (const cache of [this.#metrics, this.#report, this.#page]) cache.forget();
  }

  #snapshot(): Snapshot {
    const { settings, versions } = this.#options;
    return {
      ...this.#source?.figures ?? NO_FIGURES,
      nowMs: Date.now(),
      state: this.#state,
      history: this.#history,
      excerpts: this.#excerpts,
      settings,
      versions,
    };
  }

  async #expiries(): Promise<ReadonlyMap<string, number>> {
    const serving = servingIn(this.#state);
    if (serving === null) return new Map();
    const onDisk = await this.#readExpiries(serving.targets, serving.fingerprint);
    // What HAProxy obtained itself may differ from its file.
    return new Map([...onDisk, ...serving.expiries ?? []]);
  }

  /** Reads them at once, because the files may soon be corrected. */
  async #showExcerpts({ before }: Step): Promise<void> {
    this.#excerpts = [];
    const { failure } = this.#history;
    const tried = before !== null && "attempt" in before ? before.attempt.fingerprint : null;
    if (failure === null || tried === null) return;
    const { directory } = this.#options;
    const files = new Set(tried.files.keys());
    const excerpts = await readExcerpts(failure.alerts, { files, directory });
    if (this.#history.failure !== failure) return;
    this.#excerpts = excerpts;
    this.#forget();
  }

  readonly #reload = shareReloads(() =>
    reloadAndWait({
      current: () => ({ state: this.#state, history: this.#history }),
      request: () => this.#source?.requestReload("POST /reload"),
      watch: (onStep) => {
        this.#watchers.add(onStep);
        return () => this.#watchers.delete(onStep);
      },
    })
  );
}

/** The host names to accept; `null`: all, because no web page can reach a unix socket. */
const namesOf = (address: StatusAddress, { statusHosts }: Settings) =>
  address.tag === "unix" ? null : [address.hostname, ...statusHosts];

const ANSWERS_PER_COLLECTION = 50;

const NO_FIGURES: Figures = {
  watching: { files: 0, events: 0, pollFinds: 0 },
  connections: new Map(),
  removedServers: [],
  memory: null,
};
