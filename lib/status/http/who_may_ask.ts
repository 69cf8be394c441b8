/**
 * Who may see the status and reload: everybody except web pages of other sites, including those whose name
 * resolves to this address (DNS rebinding). Pure.
 */
import type { HttpRequest } from "./message.ts";

/**
 * Why a request is refused; `null`: it may be answered. `names` are the operator's own.
 *
 * A browser always sends a Host, and never one that is an address where the page has a name. It
 * says by Sec-Fetch-Site or Origin which page asks, where it says so at all.
 */
export function refusalOf(request: HttpRequest, names: readonly string[]): Refusal | null {
  const host = request.headers.get("host");
  if (host !== undefined && !isOwn(host, names)) return { status: 421, host };
  return isFromElsewhere(request) ? { status: 403 } : null;
}

export type Refusal =
  | { readonly status: 403 }
  | { readonly status: 421; readonly host: string };

/** Browsers write numbers that mean an address, such as 0x7f.1, as four decimals before they send them. */
const IP_V4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
/** No name stands in brackets. */
const IP_V6 = /^\[[\da-f:.]+(?:%[\w.-]+)?\]$/;
const HOST = /^(?<name>\[[^\]]*\]|[^:]*)(?::\d*)?$/;

function isOwn(host: string, names: readonly string[]): boolean {
  const name = canonical(HOST.exec(host)?.groups?.name ?? "");
  return IP_V4.test(name) || IP_V6.test(name) ||
    ["localhost", ...names.map(canonical)].includes(name);
}

/** The dot says that nothing is to be put behind the name. */
const canonical = (name: string) => name.toLowerCase().replace(/(?<=.)\.$/, "");

/** A site's pages have its scheme and domain, and any port: only those of this very origin may ask. */
function isFromElsewhere({ method, headers }: HttpRequest): boolean {
  const origin = headers.get("origin");
  if (origin !== undefined && origin !== `http://${headers.get("host")}`) return true;
  const site = headers.get("sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return false;
  // Whoever follows a link sees the page; the page with the link does not.
  const isLink = headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
  return !(isLink && (method === "GET" || method === "HEAD"));
}
