/** Keeps what operators may ask, and tells it: it reads what the supervisor does, and changes nothing. */
import type { Settings } from "../settings/settings.ts";
import type { StatusAddress } from "../settings/status_address.ts";
import type { State } from "../supervisor/events.ts";
import { firstDecision } from "../supervisor/reload.ts";
import type { Step } from "../supervisor/supervisor.ts";
import { readExcerpts } from "./excerpts.ts";
import { createExpiries } from "./expiries.ts";
import { health, readiness } from "./health.ts";
import { ofAMoment } from "./short_cache.ts";
import { listenForStatus, type StatusListening, type WithUmask } from "./http/listener.ts";
import { type History, newHistory } from "./history.ts";
import { remember } from "./history_reducer.ts";
import type { HttpRequest, HttpResponse } from "./http/message.ts";
import { metricsText } from "./metrics.ts";
import { statusPage } from "./page/page.ts";
import { reloadAndWait, shareReloads } from "./reload_endpoint.ts";
import { statusReport } from "./report.ts";
import { route, type Views } from "./routes.ts";
import type { Excerpt, Snapshot, Watching } from "./snapshot.ts";

export interface StatusOptions {
  readonly settings: Settings;
  readonly versions: Snapshot["versions"];
  /** That HAProxy's relative paths start from. */
  readonly directory: string;
  readonly collectGarbageSoon: () => void;
  /** Keeps other users out of a unix socket; `null`: nothing can. */
  readonly withUmask: WithUmask | null;
  /** Told what is thrown here: whatever is wrong with the status, it concerns neither the supervisor nor HAProxy. */
  readonly onBug: (bug: unknown) => void;
}

/** What only the parts know that carry out what the supervisor decides. */
export interface Figures {
  readonly watching: Watching;
  readonly connections: ReadonlyMap<number, number>;
  readonly memory: Snapshot["memory"];
}

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
  #names: readonly string[] | null = [];
  #answers = 0;
  #excerpts: readonly Excerpt[] = [];

  readonly #metrics = ofAMoment(async () => metricsText(this.#snapshot(), await this.#expiries()));
  readonly #report = ofAMoment(() => statusReport(this.#snapshot()));
  readonly #page = ofAMoment(() => statusPage(this.#snapshot()));

  constructor(options: StatusOptions) {
    this.#options = options;
  }

  /** Takes note of a step of the supervisor's. */
  readonly observe = (step: Step): void => {
    this.#state = step.after;
    this.#remember(step);
  };

  attach(source: Source): void {
    this.#source = source;
  }

  /** Answers from now on. */
  async listen(address: StatusAddress): Promise<StatusListening> {
    this.#names = namesOf(address, this.#options.settings);
    return await listenForStatus(address, {
      respond: (request, gone) => this.#respond(request, gone),
      onBug: this.#options.onBug,
      withUmask: this.#options.withUmask,
    });
  }

  #remember(step: Step): void {
    this.#forget();
    const before = this.#history.failure;
    this.#history = remember(this.#history, { ...step, nowMs: Date.now() });
    if (this.#history.failure !== before) this.#showExcerpts(step).catch(this.#options.onBug);
    this.#watchers.forEach((onStep) => onStep(step));
  }

  /** Left to itself V8 would let the garbage of hundreds of answers grow. */
  async #respond(request: HttpRequest, gone: AbortSignal): Promise<HttpResponse> {
    if (++this.#answers % ANSWERS_PER_COLLECTION === 0) this.#options.collectGarbageSoon();
    return await route(request, this.#views(gone), this.#names);
  }

  #views(gone: AbortSignal): Views {
    return {
      health: () => health(this.#state),
      readiness: () => readiness(this.#state),
      metrics: this.#metrics.get,
      report: this.#report.get,
      page: this.#page.get,
      reload: this.#options.settings.reloadEndpoint ? () => this.#reload(gone) : null,
    };
  }

  #forget(): void {
    for (const one of [this.#metrics, this.#report, this.#page]) one.forget();
  }

  #snapshot(): Snapshot {
    const { settings, versions } = this.#options;
    const { watching, connections, memory } = this.#source?.figures ?? NO_FIGURES;
    return {
      ...{ nowMs: Date.now(), state: this.#state, history: this.#history },
      ...{ watching, connections, memory, excerpts: this.#excerpts, settings, versions },
    };
  }

  async #expiries(): Promise<ReadonlyMap<string, number>> {
    if (!("serving" in this.#state)) return new Map();
    const { uses, fingerprint } = this.#state.serving;
    return await this.#readExpiries(uses, fingerprint);
  }

  /** They are read when the failure is, since the files may be better soon. */
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
      look: () => ({ state: this.#state, history: this.#history }),
      request: () => this.#source?.requestReload("POST /reload"),
      watch: (onStep) => {
        this.#watchers.add(onStep);
        return () => this.#watchers.delete(onStep);
      },
    })
  );
}

/** No page of another site reaches a socket that has no port; a name to listen at is one to be asked by. */
const namesOf = (address: StatusAddress, { statusHosts }: Settings) =>
  address.tag === "unix" ? null : [address.hostname, ...statusHosts];

const ANSWERS_PER_COLLECTION = 50;

const NO_FIGURES: Figures = {
  watching: { files: 0, events: 0, pollFinds: 0 },
  connections: new Map(),
  memory: null,
};
