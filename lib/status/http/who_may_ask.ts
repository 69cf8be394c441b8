/**
 * Who may see the status and reload: everyone except the web pages of other sites, including those whose name
 * resolves to this address (DNS rebinding). Pure.
 */
import type { HttpRequest } from "./message.ts";

/**
 * Why a request is refused; `null`: it may be answered. `names` are the operator's own.
 *
 * A browser always sends a Host, and never an address in place of the page's name. If it says which page asks, it
 * does so by Sec-Fetch-Site or Origin.
 */
export function refusalOf(request: HttpRequest, names: readonly string[]): Refusal | null {
  const host = request.headers.get("host");
  if (host !== undefined && !isOwn(host, names)) return { status: 421, host };
  return isFromElsewhere(request) ? { status: 403 } : null;
}

export type Refusal =
  | { readonly status: 403 }
  | { readonly status: 421; readonly host: string };

/** Browsers turn other forms of an address, such as 0x7f.1, into four decimals before they send it. */
const IP_V4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
/** Names never stand in brackets. */
const IP_V6 = /^\[[\da-f:.]+(?:%[\w.-]+)?\]$/;
const HOST = /^(?<name>\[[^\]]*\]|[^:]*)(?::\d*)?$/;

function isOwn(host: string, names: readonly string[]): boolean {
  const name = canonical(HOST.exec(host)?.groups?.name ?? "");
  return IP_V4.test(name) || IP_V6.test(name) ||
    ["localhost", ...names.map(canonical)].includes(name);
}

/** A trailing dot marks a name as complete. */
const canonical = (name: string) => name.toLowerCase().replace(/(?<=.)\.$/, "");

/** "same-site" allows any port and subdomain: only pages of this very origin may ask. */
function isFromElsewhere({ method, headers }: HttpRequest): boolean {
  const origin = headers.get("origin");
  if (origin !== undefined && origin !== `http://${headers.get("host")}`) return true;
  const site = headers.get("sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return false;
  // Whoever follows a link sees our page; the page with the link does not.
  const isLink = headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
  return !(isLink && (method === "GET" || method === "HEAD"));
}
