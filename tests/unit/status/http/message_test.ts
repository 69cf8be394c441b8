import assert from "node:assert/strict";
import {
  bareResponse,
  formatResponse,
  type HttpResponse,
  parseHead,
} from "../../../../lib/status/http/message.ts";

const LIMIT_BYTES = 8_192;

const bytesOf = (text: string) => new TextEncoder().encode(text);

const parse = (text: string) => parseHead(bytesOf(text), LIMIT_BYTES);

/** What a request says, or the status it is refused with. */
function read(text: string): unknown {
  const head = parse(text);
  if (head.tag === "malformed") return head.status;
  if (head.tag === "incomplete") return head.tag;
  const { method, path, headers } = head.request;
  return { method, path, headers: Object.fromEntries(headers) };
}

const pathOf = (target: string) => {
  const head = parse(`GET ${target} HTTP/1.1\r\n\r\n`);
  return head.tag === "request" ? head.request.path : head;
};

const statusOf = (text: string) => {
  const head = parse(text);
  return head.tag === "malformed" ? head.status : head.tag;
};

const withFields = (...lines: readonly string[]) =>
  `GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

const BAD_REQUEST = { tag: "malformed", status: 400 };

Deno.test("a request has a method, a path and headers by their names in small letters", () => {
  assert.deepEqual(
    read("GET /metrics HTTP/1.1\r\nHost: a:1\r\nX-Empty:\r\nACCEPT: \t*/* \r\n\r\n"),
    {
      method: "GET",
      path: "/metrics",
      headers: { host: "a:1", "x-empty": "", accept: "*/*" },
    },
  );
});

Deno.test("a head is incomplete after each of its bytes but the last", () => {
  const text = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (let length = 0; length < text.length; length++) {
    assert.equal(
      parse(text.slice(0, length)).tag,
      "incomplete",
      JSON.stringify(text.slice(0, length)),
    );
  }
  assert.equal(parse(text).tag, "request");
});

Deno.test("the head ends where the body begins, whatever is in it", () => {
  const head = "\r\nPOST / HTTP/1.1\r\nX: \u00e9\r\nContent-Length: 12\r\n\r\n";
  const parsed = parse(`${head}\r\n\r\n\0GET / `);
  assert(parsed.tag === "request");
  assert.equal(parsed.headBytes, bytesOf(head).length);
  assert.equal(parsed.bodyBytes, 12);
});

Deno.test("without a length there is no body", () => {
  const parsed = parse("GET / HTTP/1.0\n\n");
  assert(parsed.tag === "request");
  assert.deepEqual([parsed.headBytes, parsed.bodyBytes], [16, 0]);
});

Deno.test("lines may end with LF alone, or both ways, and one empty line may come first", () => {
  const wanted = { method: "GET", path: "/a", headers: { host: "a" } };
  assert.deepEqual(read("GET /a HTTP/1.1\nHost: a\n\n"), wanted);
  assert.deepEqual(read("GET /a HTTP/1.1\r\nHost: a\n\r\n"), wanted);
  assert.deepEqual(read("\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"), wanted);
  assert.deepEqual(read("\nGET /a HTTP/1.1\nHost: a\n\n"), wanted);
  assert.equal(read("\r\n\r\nGET /a HTTP/1.1\r\n\r\n"), 400);
});

Deno.test("CR alone ends no line and stands nowhere else", () => {
  assert.equal(read("GET / HTTP/1.1\rHost: a\r\n\r\n"), 400);
  assert.equal(read("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"), 400);
  assert.equal(read("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"), 400);
});

Deno.test("the path is without the query, and without the authority that a proxy gets", () => {
  assert.equal(pathOf("/"), "/");
  assert.equal(pathOf("/a%20b/?c=/d?e"), "/a%20b/");
  assert.equal(pathOf("//a"), "//a");
  assert.equal(pathOf("http://a:1/b?c"), "/b");
  assert.equal(pathOf("HTTP://a"), "/");
  assert.equal(pathOf("http://a?b"), "/");
  assert.equal(pathOf("*"), "*");
});

Deno.test("a target that is no path is refused", () => {
  for (
    const target of ["a", "?a", "a:443", "https://a/", "http:///", "", "/a b", "/\t", "/\u00e9"]
  ) {
    assert.deepEqual(pathOf(target), BAD_REQUEST, target);
  }
});

Deno.test("a first line that is no request is refused", () => {
  for (
    const line of [
      "GET /",
      "GET / http/1.1",
      " GET / HTTP/1.1",
      "GET  / HTTP/1.1",
      "G(T / HTTP/1.1",
    ]
  ) {
    assert.equal(statusOf(`${line}\r\n\r\n`), 400, line);
  }
});

Deno.test("every HTTP/1 will do, and no other version", () => {
  assert.equal(statusOf("GET / HTTP/1.0\r\n\r\n"), "request");
  assert.equal(statusOf("GET / HTTP/1.2\r\n\r\n"), "request");
  assert.equal(statusOf("PRI * HTTP/2.0\r\n\r\n"), 400);
  assert.equal(statusOf("GET / HTTP/0.9\r\n\r\n"), 400);
  assert.equal(statusOf("GET / HTTP/1\r\n\r\n"), 400);
});

Deno.test("what begins like no request is refused before a line is complete", () => {
  assert.equal(statusOf("\x16\x03\x01"), 400);
  assert.equal(statusOf("\r\n "), 400);
  assert.equal(statusOf("\0"), 400);
});

Deno.test("fields that come twice are one, with a comma", () => {
  assert.deepEqual(read(withFields("A: 1", "B: 2", "a: 3")), {
    method: "GET",
    path: "/",
    headers: { a: "1, 3", b: "2" },
  });
});

const hostOf = (text: string) => {
  const head = parse(text);
  return head.tag === "request" ? head.request.headers.get("host") : head;
};

Deno.test("a request has one host: the field's, or the target's that says the same", () => {
  assert.equal(hostOf(withFields("HOST: a")), "a");
  assert.equal(hostOf("GET http://a:1/ HTTP/1.1\r\n\r\n"), "a:1");
  assert.equal(hostOf("GET http://A:1/ HTTP/1.1\r\nHost: a:1\r\n\r\n"), "A:1");
  assert.equal(hostOf(withFields()), undefined);
  for (
    const text of [
      withFields("Host: a", "Host: a"),
      withFields("Host: a", "host: b"),
      "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
      "GET http://127.0.0.1/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      "GET http://a@127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ]
  ) {
    assert.deepEqual(hostOf(text), BAD_REQUEST, text);
  }
});

Deno.test("a malformed field is refused: no name, a space before the colon, a fold, control characters", () => {
  for (
    const line of ["a", ": a", "a : b", " a: b", "a: b\r\n c", "a: \0", "a: \x7f", "\u00e9: a"]
  ) {
    assert.equal(statusOf(withFields(line)), 400, JSON.stringify(line));
  }
});

Deno.test("a length that is no number is refused, also if it comes twice", () => {
  for (const line of ["-1", "+1", "1.0", "0x1", "", "1 2", "1e3"]) {
    assert.equal(statusOf(withFields(`Content-Length: ${line}`)), 400, line);
  }
  assert.equal(statusOf(withFields("Content-Length: 1", "Content-Length: 1")), 400);
});

Deno.test("a length of many digits is a large one", () => {
  const head = parse(withFields(`Content-Length: ${"9".repeat(400)}`));
  assert(head.tag === "request");
  assert.equal(head.bodyBytes, Infinity);
});

Deno.test("a transfer coding is not known, whatever else there is", () => {
  assert.equal(statusOf(withFields("Transfer-Encoding: chunked")), 400);
  assert.equal(statusOf(withFields("transfer-encoding: identity", "content-length: 1")), 400);
});

Deno.test("a head that ends at the limit is read, and none that ends later", () => {
  const longHead = (length: number) => {
    const [before, after] = ["GET / HTTP/1.1\r\nA: ", "\r\n\r\n"] as const;
    return before + "a".repeat(length - before.length - after.length) + after;
  };
  assert.equal(statusOf(longHead(LIMIT_BYTES)), "request");
  assert.equal(statusOf(longHead(LIMIT_BYTES + 1)), 413);
  assert.equal(statusOf(longHead(LIMIT_BYTES).slice(0, -1)), "incomplete");
  assert.equal(statusOf("G".repeat(LIMIT_BYTES)), 413);
  assert.equal(statusOf(longHead(LIMIT_BYTES) + "a".repeat(LIMIT_BYTES)), "request");
});

Deno.test("a head of nothing but spaces is read in no time", () => {
  const startedMs = performance.now();
  for (let times = 0; times < 4_000; times++) {
    assert.equal(statusOf(withFields(`a:${" ".repeat(8_000)}\0`)), 400);
  }
  // A look at each pair of them would take a minute.
  assert(performance.now() - startedMs < 20_000);
});

const RESPONSE: HttpResponse = {
  status: 200,
  contentType: "text/x; charset=utf-8",
  body: "\u00e9\n",
};

const format = (response: HttpResponse, isHead = false) =>
  new TextDecoder().decode(formatResponse(response, { isHead }));

Deno.test("a response says how many bytes follow, and that nothing keeps or guesses them", () => {
  assert.equal(
    format(RESPONSE),
    "HTTP/1.1 200 OK\r\n" +
      "content-type: text/x; charset=utf-8\r\n" +
      "cache-control: no-store\r\n" +
      "x-content-type-options: nosniff\r\n" +
      "cross-origin-resource-policy: same-origin\r\n" +
      "content-length: 3\r\n" +
      "connection: close\r\n" +
      "\r\n" +
      "\u00e9\n",
  );
});

Deno.test("the response to HEAD is the same without the body", () => {
  assert.equal(format(RESPONSE, true), format(RESPONSE).slice(0, -"\u00e9\n".length));
});

Deno.test("further headers are added; the length is nobody else's business", () => {
  const text = format({ ...RESPONSE, headers: { allow: "GET, HEAD", "content-length": "7" } });
  assert.match(text, /\r\nallow: GET, HEAD\r\n/);
  assert.deepEqual(text.match(/content-length: .*/g), ["content-length: 3"]);
});

Deno.test("a bare response says what its status means", () => {
  assert.match(format(bareResponse(503)), /^HTTP\/1\.1 503 Service Unavailable\r\n/);
  assert.equal(bareResponse(503).body, "503 Service Unavailable\n");
});
