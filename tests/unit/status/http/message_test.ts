import assert from "node:assert/strict";
import {
  formatResponse,
  type HttpResponse,
  parseRequest,
} from "../../../../lib/status/http/message.ts";

const LIMITS = { headBytes: 8_192, bodyBytes: 1_024 };

const bytesOf = (text: string) => new TextEncoder().encode(text);

const parse = (text: string) => parseRequest(bytesOf(text), LIMITS);

/** The parsed request, the status of its refusal, or "incomplete". */
function read(text: string): unknown {
  const parsed = parse(text);
  if (parsed.tag === "refused") return parsed.status;
  if (parsed.tag === "incomplete") return parsed.tag;
  const { method, path, headers } = parsed.request;
  return { method, path, ...Object.fromEntries(headers) };
}

const withFields = (...lines: readonly string[]) =>
  `GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

const GET = { method: "GET", path: "/" };

const READ: Readonly<Record<string, readonly [text: string, expected: unknown]>> = {
  "headers have lower-case names": [
    "GET /metrics HTTP/1.1\r\nHost: a:1\r\nX-Empty:\r\nACCEPT: \t*/* \r\n\r\n",
    { method: "GET", path: "/metrics", host: "a:1", "x-empty": "", accept: "*/*" },
  ],
  "lines may end with LF": ["GET / HTTP/1.1\nHost: a\n\n", { ...GET, host: "a" }],
  "line ends may be mixed": ["GET / HTTP/1.1\r\nHost: a\n\r\n", { ...GET, host: "a" }],
  "one empty line may come first": ["\r\nGET / HTTP/1.1\r\n\r\n", GET],
  "so may one that ends with LF": ["\nGET / HTTP/1.1\n\n", GET],
  "the query is dropped": ["GET /a%20b/?c=/d?e HTTP/1.1\r\n\r\n", { ...GET, path: "/a%20b/" }],
  "a path may begin with two slashes": ["GET //a HTTP/1.1\r\n\r\n", { ...GET, path: "//a" }],
  "the target may begin with the host, as for a proxy": [
    "GET http://a:1/b?c HTTP/1.1\r\n\r\n",
    { ...GET, path: "/b", host: "a:1" },
  ],
  "it stands for the Host field": [
    "GET HTTP://A:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    { ...GET, host: "A:1" },
  ],
  "a query may follow it": ["GET http://a?b HTTP/1.1\r\n\r\n", { ...GET, host: "a" }],
  "HTTP/1.0 will do": ["GET / HTTP/1.0\r\n\r\n", GET],
  "so will any other HTTP/1": ["GET / HTTP/1.2\r\n\r\n", GET],
  "repeated fields become a list": [withFields("A: 1", "B: 2", "a: 3"), {
    ...GET,
    a: "1, 3",
    b: "2",
  }],
};

for (const [name, [text, expected]] of Object.entries(READ)) {
  Deno.test(`a request is read: ${name}`, () => assert.deepEqual(read(text), expected));
}

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "two empty lines come first": ["\r\n\r\nGET / HTTP/1.1\r\n\r\n"],
  "CR stands alone": [
    "GET / HTTP/1.1\rHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
    "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
  ],
  "the target is no path": [
    ...["a", "?a", "a:443", "http:///", "https://a/", "*", "", "/a b", "/\t", "/\u00e9"],
  ].map((target) => `GET ${target} HTTP/1.1\r\n\r\n`),
  "the first line is no request": [
    ...["GET /", "GET / http/1.1", " GET / HTTP/1.1", "GET  / HTTP/1.1", "G(T / HTTP/1.1"],
  ].map((line) => `${line}\r\n\r\n`),
  "the version is not HTTP/1": [
    ...["PRI * HTTP/2.0", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1"],
  ].map((line) => `${line}\r\n\r\n`),
  "it begins like no request, even before the first line is complete": [
    "\x16\x03\x01",
    "\r\n ",
    "\0",
  ],
  "it names several hosts": [
    withFields("Host: a", "Host: a"),
    withFields("Host: a", "host: b"),
    "GET http://127.0.0.1/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET http://a@127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  ],
  "a field is malformed": [
    ...["a", ": a", "a : b", " a: b", "a: b\r\n c", "a: \0", "a: \x7f", "\u00e9: a"],
  ].map((line) => withFields(line)),
  "the length is no number": [
    ...["-1", "+1", "1.0", "0x1", "", "1 2", "1e3"].map((one) =>
      withFields(`Content-Length: ${one}`)
    ),
    withFields("Content-Length: 1", "Content-Length: 1"),
  ],
  "the body has a transfer coding": [
    withFields("Transfer-Encoding: chunked"),
    withFields("transfer-encoding: identity", "content-length: 1"),
  ],
};

for (const [name, texts] of Object.entries(REFUSED)) {
  Deno.test(`a request is refused if ${name}`, () => {
    for (const text of texts) assert.equal(read(text), 400, JSON.stringify(text));
  });
}

Deno.test("a request is incomplete up to its last byte, whatever its body holds", () => {
  const head = "\r\nPOST / HTTP/1.1\r\nX: \u00e9\r\nContent-Length: 12\r\n\r\n";
  const bytes = bytesOf(`${head}\r\n\r\n\0GET / x`);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(parseRequest(bytes.subarray(0, length), LIMITS).tag, "incomplete", `${length}`);
  }
  const parsed = parseRequest(bytes, LIMITS);
  assert.ok(parsed.tag === "request");
  assert.equal(parsed.bytes, bytes.length);
});

Deno.test("a body that is too long is refused as soon as its length is known", () => {
  assert.equal(read(withFields("Content-Length: 1024")), "incomplete");
  assert.equal(read(withFields("Content-Length: 1025")), 413);
  assert.equal(read(withFields(`Content-Length: ${"9".repeat(400)}`)), 413);
});

Deno.test("a head that ends at the limit is accepted, a longer one is not", () => {
  const longHead = (length: number) => {
    const [before, after] = ["GET / HTTP/1.1\r\nA: ", "\r\n\r\n"] as const;
    return before + "a".repeat(length - before.length - after.length) + after;
  };
  const limit = LIMITS.headBytes;
  assert.equal(parse(longHead(limit)).tag, "request");
  assert.equal(read(longHead(limit + 1)), 413);
  assert.equal(read(longHead(limit).slice(0, -1)), "incomplete");
  assert.equal(read("G".repeat(limit)), 413);
  assert.equal(parse(longHead(limit) + "a".repeat(limit)).tag, "request");
});

Deno.test("a head of nothing but spaces is parsed quickly", () => {
  const startedMs = performance.now();
  for (let times = 0; times < 4_000; times++) {
    assert.equal(read(withFields(`a:${" ".repeat(8_000)}\0`)), 400);
  }
  // Quadratic time would be a minute.
  assert(performance.now() - startedMs < 20_000);
});

const RESPONSE: HttpResponse = {
  status: 200,
  contentType: "text/x; charset=utf-8",
  body: "\u00e9\n",
};

const format = (response: HttpResponse, isHead = false) =>
  new TextDecoder().decode(formatResponse(response, { isHead }));

Deno.test("a response has a length, and forbids caching and sniffing", () => {
  const head = [
    "HTTP/1.1 200 OK",
    "content-type: text/x; charset=utf-8",
    "cache-control: no-store",
    "x-content-type-options: nosniff",
    "cross-origin-resource-policy: same-origin",
    "content-length: 3",
    "connection: close",
    "\r\n",
  ].join("\r\n");
  assert.equal(format(RESPONSE), `${head}\u00e9\n`);
  assert.equal(format(RESPONSE, true), head);
});

Deno.test("extra headers are added, but do not override the length", () => {
  const text = format({ ...RESPONSE, headers: { allow: "GET, HEAD", "content-length": "7" } });
  assert.match(text, /\r\nallow: GET, HEAD\r\n/);
  assert.deepEqual(text.match(/content-length: .*/g), ["content-length: 3"]);
});
