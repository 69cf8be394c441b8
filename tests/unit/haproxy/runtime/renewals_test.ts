/** Certificates that HAProxy renews itself, as it shows them. */
import assert from "node:assert/strict";
import { dumpCertificate, parseRenewals } from "../../../../lib/haproxy/runtime/renewals.ts";

const HEADER = "# certificate\tsection\tstate\texpiration date (UTC)\texpires in\t" +
  "scheduled date (UTC)\tscheduled in\n";

Deno.test("each certificate has its name, whether it is being renewed, and its expiry", () => {
  const rows = [
    "/a b.pem\tLE\tRunning\t2026-11-27T12:11:41Z\t0d 0h00m00s\t-\t-",
    "@web/site\tLE\tScheduled\t2026-11-28T13:22:24Z\t0d 0h59m54s\t2026-11-28T13:17:25Z\t0d 0h54m55s",
    "/c.pem\tLE\tStopped\t2027-01-01T00:00:00Z\t33d 0h00m00s\t-\t-",
  ];
  assert.deepEqual(parseRenewals(`${HEADER}${rows.join("\n")}\n\n`), [
    { name: "/a b.pem", isRenewing: true, expiresMs: Date.UTC(2026, 10, 27, 12, 11, 41) },
    { name: "@web/site", isRenewing: false, expiresMs: Date.UTC(2026, 10, 28, 13, 22, 24) },
    { name: "/c.pem", isRenewing: false, expiresMs: Date.UTC(2027, 0, 1) },
  ]);
});

Deno.test("an HAProxy without ACME, or with nothing to renew, shows none", () => {
  for (const answer of ["Unknown command: 'acme', but maybe one of …\n", HEADER]) {
    assert.deepEqual(parseRenewals(answer), []);
  }
  for (const answer of ["", "\n", "\t\t\t\n"]) assert.equal(parseRenewals(answer), null);
});

Deno.test("a certificate is asked for by its name as one word", async () => {
  const asked: string[] = [];
  const ask = (command: string) => Promise.resolve(`${asked.push(command)}`);
  await dumpCertificate(ask, "/a b;c.pem");
  assert.deepEqual(asked, ["dump ssl cert /a\\ b\\;c.pem"]);
});
