/** What `--health` makes of each answer. */
import assert from "node:assert/strict";
import { askHealth } from "../../../lib/commands/health.ts";
import type { StatusAddress } from "../../../lib/settings/status_address.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

/** What `askHealth` says of a server that answers one request with `answer`, and never if that is `null`. */
async function verdictOn(answer: string | null, hostname = "127.0.0.1") {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const asked = askHealth({ tag: "tcp", hostname, port }, answer === null ? 50 : undefined);
  using connection = await listener.accept();
  const request = new Uint8Array(1_000);
  const length = await connection.read(request);
  if (answer !== null) {
    await connection.write(new TextEncoder().encode(answer)).catch(() => {});
    connection.close();
  }
  const verdict = await asked;
  listener.close();
  const text = new TextDecoder().decode(request.subarray(0, length!));
  return { verdict, request: text, port };
}

const HEAD = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n";

Deno.test("200 is healthy, also at a server that listens on every address", async () => {
  for (const hostname of ["127.0.0.1", "0.0.0.0", "localhost"]) {
    const { verdict, request } = await verdictOn("HTTP/1.1 200 OK\r\n\r\nok\n", hostname);
    assert.deepEqual(verdict, { isOk: true });
    assert.equal(request, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
  }
});

Deno.test("503 is unhealthy, for the reason in its body", async () => {
  const { verdict } = await verdictOn(`${HEAD}generation 1 is not ready yet\n`);
  assert.deepEqual(verdict, { isOk: false, reason: "generation 1 is not ready yet" });
});

for (
  const [what, answer, found] of [
    ["another status", "HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 404 Not Found"],
    ["another protocol", "SSH-2.0-x\r\n", "SSH-2.0-x"],
    [
      "an endless answer",
      `HTTP/1.1 200 ${"x".repeat(1_000_000)}`,
      `HTTP/1.1 200 ${"x".repeat(67)}`,
    ],
    ["nothing", "", ""],
  ] as const
) {
  Deno.test(`${what} is unhealthy, and shown`, async () => {
    const { verdict, port } = await verdictOn(answer);
    const where = `the status at "http://127.0.0.1:${port}/"`;
    const reason = `${where} answered "${found}", wanted HTTP status 200 or 503`;
    assert.deepEqual(verdict, { isOk: false, reason });
  });
}

Deno.test("silence is unhealthy after a while", async () => {
  const { verdict } = await verdictOn(null);
  assert.match(verdict.isOk ? "" : verdict.reason, /^the status at ".*" did not answer in 50 ms$/);
});

Deno.test("an address where nobody listens is unhealthy", async () => {
  await using folder = new TempFolder();
  const addresses: readonly StatusAddress[] = [
    { tag: "tcp", hostname: "127.0.0.1", port: freePort() },
    { tag: "unix", path: folder.at("status.sock") },
  ];
  const reasons = await Promise.all(addresses.map(async (address) => {
    const verdict = await askHealth(address);
    return verdict.isOk ? "" : verdict.reason;
  }));
  assert.match(reasons[0]!, /^cannot ask the status at "http:.*": Connection refused$/);
  assert.match(reasons[1]!, /^cannot ask the status at "unix:.*": No such file or directory$/);
});
