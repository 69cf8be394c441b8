/** The answer of each path of the status address. Pure, except for the reload. */
import { visibleJson } from "../text/visible.ts";
import { OPTIONS } from "../settings/options.ts";
import type { HttpRequest, HttpResponse, HttpStatus } from "./http/message.ts";
import type { HealthAnswer } from "./health.ts";
import type { ReloadAnswer } from "./reload_endpoint.ts";
import { type Refusal, refusalOf } from "./http/who_may_ask.ts";

/** What can be shown, each computed on request. */
export interface Views {
  health(): HealthAnswer;
  readiness(): HealthAnswer;
  metrics(): Promise<string>;
  report(): object;
  page(): string;
  /** Reloads and reports the outcome; `null`: switched off. `gone` aborts if the client leaves. */
  readonly reload: ((gone: AbortSignal) => Promise<ReloadAnswer>) | null;
}

export interface Asker {
  /** The host names to accept besides addresses; `null`: whoever connects may ask. */
  readonly names: readonly string[] | null;
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal;
}

/** Answers a request. Reading has no effect. */
export async function route(
  request: HttpRequest,
  views: Views,
  { names, gone }: Asker,
): Promise<HttpResponse> {
  const { method, path } = request;
  const refusal = names === null || ALWAYS.includes(path) ? null : refusalOf(request, names);
  if (refusal !== null) return refuse(refusal);
  if (path === "/reload") return await routeReload(request, { reload: views.reload, gone });
  const view = VIEWS[path];
  if (view === undefined) return text(404, "no such page");
  if (method === "GET" || method === "HEAD") return await view(views);
  return { ...text(405, "only GET and HEAD are allowed here"), headers: { allow: "GET, HEAD" } };
}

const VIEWS: Readonly<Record<string, (views: Views) => HttpResponse | Promise<HttpResponse>>> = {
  "/": (views) => ({
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: views.page(),
    headers: { "content-security-policy": POLICY },
  }),
  "/healthz": (views) => verdict(views.health()),
  "/readyz": (views) => verdict(views.readiness()),
  "/metrics": async (views) => ({
    status: 200,
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    body: await views.metrics(),
  }),
  "/status": (views) => json(200, views.report()),
};

/** The page can load, run and send nothing, and cannot be framed. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'";

/**
 * Answered for any Host: load balancers and Prometheus send the name that they are configured with, and refusing a
 * probe would take down a healthy service. From these a hostile page could learn whether HAProxy serves, the counters,
 * and the paths of certificates.
 */
const ALWAYS = ["/healthz", "/readyz", "/metrics"];

function refuse(refusal: Refusal): HttpResponse {
  switch (refusal.status) {
    case 403:
      return text(403, "pages of other sites may neither read the status nor reload");
    case 421:
      return text(
        421,
        `found the host "${refusal.host}", wanted an address, "localhost" or a name that ` +
          `"--${OPTIONS.statusHosts.flag}" lists`,
      );
    default:
      return refusal satisfies never;
  }
}

async function routeReload(
  { method }: HttpRequest,
  { reload, gone }: Pick<Views, "reload"> & Pick<Asker, "gone">,
): Promise<HttpResponse> {
  if (method !== "POST") {
    return { ...text(405, "reload by POST"), headers: { allow: "POST" } };
  }
  if (reload === null) {
    return text(403, 'reloading by request is off; "--enable-reload-endpoint" allows it');
  }
  const { isTried, isOk, report } = await reload(gone);
  return json(isOk ? 200 : isTried ? 500 : 503, report);
}

const verdict = (answer: HealthAnswer): HttpResponse =>
  answer.isOk ? text(200, "ok") : text(503, answer.reason);

const text = (status: HttpStatus, line: string): HttpResponse => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body: `${line}\n`,
});

const json = (status: HttpStatus, value: object): HttpResponse => ({
  status,
  contentType: "application/json",
  body: `${visibleJson(value, 2)}\n`,
});
