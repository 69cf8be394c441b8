/** What each path of the status address answers. Pure, but for the reload. */
import { visibleJson } from "../visible.ts";
import type { HttpRequest, HttpResponse } from "./http_message.ts";

/** What there is to show, made only when it is asked for. */
export interface Views {
  health(): HealthAnswer;
  readiness(): HealthAnswer;
  metrics(): Promise<string>;
  report(): object;
  page(): string;
  /** Reloads, and tells what came of it; `null`: that is not switched on. */
  readonly reload: (() => Promise<ReloadAnswer>) | null;
}

export type HealthAnswer =
  | { readonly isOk: true }
  /** `reason`: a clause. */
  | { readonly isOk: false; readonly reason: string };

export interface ReloadAnswer {
  /** Whether a reload was tried at all. */
  readonly isTried: boolean;
  readonly isOk: boolean;
  readonly report: object;
}

/** Answers a request; whatever is read disturbs nothing. */
export async function route(request: HttpRequest, views: Views): Promise<HttpResponse> {
  const { method, path } = request;
  if (path === "/reload") return await routeReload(request, views);
  const view = VIEWS[path];
  if (view === undefined) return text(404, "there is no such page");
  if (method === "GET" || method === "HEAD") return await view(views);
  return { ...text(405, "this can only be read"), headers: { allow: "GET, HEAD" } };
}

const VIEWS: Readonly<Record<string, (views: Views) => HttpResponse | Promise<HttpResponse>>> = {
  "/": (views) => ({
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: views.page(),
    headers: { "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'" },
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

async function routeReload(
  { method, headers }: HttpRequest,
  { reload }: Views,
): Promise<HttpResponse> {
  if (method !== "POST") {
    return { ...text(405, "a reload is a POST"), headers: { allow: "POST" } };
  }
  if (reload === null) return text(403, 'wanted "--enable-reload-endpoint", found it switched off');
  if (isFromElsewhere(headers)) return text(403, "a page of another site may not reload");
  const { isTried, isOk, report } = await reload();
  return json(isOk ? 200 : isTried ? 500 : 503, report);
}

/** A browser says from which site a page's request comes; other programs do not. */
function isFromElsewhere(headers: HttpRequest["headers"]): boolean {
  const origin = headers.get("origin");
  return origin !== undefined && origin !== `http://${headers.get("host")}`;
}

const verdict = (one: HealthAnswer): HttpResponse =>
  one.isOk ? text(200, "ok") : text(503, one.reason);

const text = (status: number, line: string): HttpResponse => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body: `${line}\n`,
});

const json = (status: number, value: object): HttpResponse => ({
  status,
  contentType: "application/json",
  body: `${visibleJson(value, 2)}\n`,
});
