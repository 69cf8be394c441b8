/** The few parts of HTTP/1.1 that a status page needs. Pure. */

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** By name, in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export type HttpStatus = keyof typeof REASONS;

export interface HttpResponse {
  readonly status: HttpStatus;
  /** With the charset. */
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Head = ReadHead | Malformed | { readonly tag: "incomplete" };

export interface ReadHead {
  readonly tag: "request";
  readonly request: HttpRequest;
  /** Up to the body. */
  readonly headBytes: number;
  /** As announced; it may be any number. */
  readonly bodyBytes: number;
}

export interface Malformed {
  readonly tag: "malformed";
  readonly status: 400 | 413;
}

/** Parses the head of a request as far as it has arrived; one of `limitBytes` or more is malformed. */
export function parseHead(bytes: Uint8Array, limitBytes: number): Head {
  const text = BYTES_AS_CHARACTERS.decode(bytes.subarray(0, limitBytes));
  const start = EMPTY_LINE.exec(text)?.[0].length ?? 0;
  const end = END.exec(text.slice(start));
  if (end !== null) {
    return readLines(text.slice(start, start + end.index), start + end.index + end[0].length);
  }
  if (text !== "" && !BEGINNING.test(text)) return malformed(400);
  return bytes.length < limitBytes ? { tag: "incomplete" } : malformed(413);
}

/** The bytes of a response that announces the close of the connection. */
export function formatResponse(
  response: HttpResponse,
  { isHead }: { readonly isHead: boolean },
): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(response.body);
  const headers = {
    "content-type": response.contentType,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    ...response.headers,
    "content-length": String(body.length),
    "connection": "close",
  };
  const start = `HTTP/1.1 ${response.status} ${REASONS[response.status]}\r\n`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = new TextEncoder().encode(start + lines.join("") + "\r\n");
  return isHead ? head : concatenate(head, body);
}

/** Says what `status` means, and no more. */
export const bareResponse = (status: HttpStatus): HttpResponse => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body: `${status} ${REASONS[status]}\n`,
});

/** One character for each byte, so positions in the text are positions in the bytes. */
const BYTES_AS_CHARACTERS = new TextDecoder("windows-1252");

/** Lines end with CR LF. As RFC 9112 (2.2) allows, LF alone is accepted, and one empty line at the start. */
const EMPTY_LINE = /^\r?\n/;
const END = /\r?\n\r?\n/;
const LINE_END = /\r?\n/;

/** How a request may begin: a client that speaks TLS is refused at once. */
const BEGINNING = /^\r?\n?(?:[!#$%&'*+.^`|~\w-]|$)/;
const REQUEST_LINE = /^(?<method>[!#$%&'*+.^`|~\w-]+) (?<target>[!-~]+) HTTP\/1\.\d$/;
/** Sent by a client that takes this for a proxy. */
const AUTHORITY = /^http:\/\/(?<host>[^/?]+)/i;
const QUERY = /\?.*$/;
const FIELD = /^(?<name>[!#$%&'*+.^`|~\w-]+):(?<value>[\t -~\u0080-\uffff]*)$/;

function readLines(text: string, headBytes: number): ReadHead | Malformed {
  const [first, ...rest] = text.split(LINE_END);
  const { method, target } = REQUEST_LINE.exec(first!)?.groups ?? {};
  const path = readPath(target ?? "");
  const headers = readFields(rest);
  if (method === undefined || path === null || headers === null) return malformed(400);
  if (!namesOneHost(headers, target!)) return malformed(400);
  // Nobody sends a body here, and one way to find its end is enough.
  if (headers.has("transfer-encoding")) return malformed(400);
  const length = headers.get("content-length") ?? "0";
  if (!/^\d+$/.test(length)) return malformed(400);
  const request = { method, path, headers };
  return { tag: "request", request, headBytes, bodyBytes: Number(length) };
}

/** `*` is the whole server, as in `OPTIONS *`. */
function readPath(target: string): string | null {
  const local = target.replace(AUTHORITY, "");
  const path = local.replace(QUERY, "");
  if (path.startsWith("/") || target === "*") return path;
  return path === "" && local !== target ? "/" : null;
}

/** If both the target and the Host field name a host, it must be the same. */
function namesOneHost(headers: Map<string, string>, target: string): boolean {
  const field = headers.get("host");
  const host = AUTHORITY.exec(target)?.groups?.host ?? field;
  if (host === undefined) return true;
  headers.set("host", host);
  return field === undefined || field.toLowerCase() === host.toLowerCase();
}

/** A repeated field becomes a comma-separated list. */
function readFields(lines: readonly string[]): Map<string, string> | null {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const field = FIELD.exec(line)?.groups;
    if (field === undefined) return null;
    const [name, value] = [field.name!.toLowerCase(), field.value!.trim()];
    if (name === "host" && headers.has(name)) return null;
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return headers;
}

const malformed = (status: Malformed["status"]): Malformed => ({ tag: "malformed", status });

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

const REASONS = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  421: "Misdirected Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;
