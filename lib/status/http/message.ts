/** The little of HTTP/1.1 that a status page needs. Pure. */

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

export interface MessageLimits {
  readonly headBytes: number;
  readonly bodyBytes: number;
}

export type Parsed =
  /** `bytes`: of head and body together. */
  | { readonly tag: "request"; readonly request: HttpRequest; readonly bytes: number }
  | { readonly tag: "refused"; readonly status: 400 | 413 }
  | { readonly tag: "incomplete" };

/** Parses a request as far as it has arrived. */
export function parseRequest(
  bytes: Uint8Array,
  { headBytes, bodyBytes }: MessageLimits,
): Parsed {
  const text = BYTES_AS_CHARACTERS.decode(bytes.subarray(0, headBytes));
  const { head, lines } = HEAD.exec(text)?.groups ?? {};
  if (head === undefined) {
    if (!BEGINNING.test(text)) return refused(400);
    return bytes.length < headBytes ? { tag: "incomplete" } : refused(413);
  }
  const request = parseLines(lines!.split(LINE_END));
  const length = request?.headers.get("content-length") ?? "0";
  if (request === null || !/^\d+$/.test(length)) return refused(400);
  if (Number(length) > bodyBytes) return refused(413);
  const total = head.length + Number(length);
  return bytes.length < total ? { tag: "incomplete" } : { tag: "request", request, bytes: total };
}

/** The bytes of a response that announces the end of the connection. */
export function formatResponse(
  response: HttpResponse,
  { isHead }: { readonly isHead: boolean },
): Uint8Array<ArrayBuffer> {
  const { status, contentType, body } = response;
  const headers = {
    "content-type": contentType,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    ...response.headers,
    "content-length": String(new TextEncoder().encode(body).length),
    "connection": "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join("")}\r\n`;
  return new TextEncoder().encode(isHead ? head : head + body);
}

/** Says only what `status` means. */
export const bareResponse = (status: HttpStatus): HttpResponse => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body: `${status} ${REASONS[status]}\n`,
});

/** One character for each byte, so positions in the text are positions in the bytes. */
const BYTES_AS_CHARACTERS = new TextDecoder("windows-1252");

/** Lines end with CR LF. As RFC 9112 (2.2) allows, LF alone is accepted, and one empty line at the start. */
const HEAD = /^(?<head>(?:\r?\n)?(?<lines>[^]*?)\r?\n\r?\n)/;
const LINE_END = /\r?\n/;

/** How a request may begin: a client that speaks TLS is refused at once. */
const BEGINNING = /^\r?\n?(?:[!#$%&'*+.^`|~\w-]|$)/;
/** A client that takes this for a proxy sends the host in front of the path. The query is of no use. */
const REQUEST_LINE =
  /^(?<method>[!#$%&'*+.^`|~\w-]+) (?:(?:http|HTTP):\/\/(?<host>[!-.0->@-~]+)|(?=\/))(?<path>(?:\/[!->@-~]*)?)(?:\?[!-~]*)? HTTP\/1\.\d$/;
const FIELD = /^(?<name>[!#$%&'*+.^`|~\w-]+):(?<value>[\t -~\u0080-\uffff]*)$/;

/** `null` if malformed. No client needs chunked bodies here, and one way to find a body's end is enough. */
function parseLines([first, ...rest]: readonly string[]): HttpRequest | null {
  const { method, host, path } = REQUEST_LINE.exec(first!)?.groups ?? {};
  const headers = parseFields(rest);
  if (method === undefined || headers === null || headers.has("transfer-encoding")) return null;
  if (host !== undefined && !takesHost(headers, host)) return null;
  return { method, path: path || "/", headers };
}

/** Whether the target's host is that of the Host field as well, which it stands for (RFC 9112, 3.2.2). */
function takesHost(headers: Map<string, string>, host: string): boolean {
  const field = headers.get("host") ?? host;
  headers.set("host", host);
  return field.toLowerCase() === host.toLowerCase();
}

/** A repeated field becomes a comma-separated list; a repeated Host is malformed. */
function parseFields(lines: readonly string[]): Map<string, string> | null {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const field = FIELD.exec(line)?.groups;
    if (field === undefined) return null;
    const [name, value] = [field.name!.toLowerCase(), field.value!.trim()];
    const before = headers.get(name);
    if (name === "host" && before !== undefined) return null;
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

const refused = (status: 400 | 413): Parsed => ({ tag: "refused", status });

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
