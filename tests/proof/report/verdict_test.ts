/** What counts as a fault of the wrapper, and what does not. */
import assert from "node:assert/strict";
import type { Campaign } from "../run/campaign.ts";
import { campaign, load, run, sample } from "./samples.ts";
import { faultsOf } from "./verdict.ts";

const faults = (wrapper: Campaign, byHand: Campaign = campaign(), isSoak = false) =>
  faultsOf(run({ wrapper, "by-hand": byHand }, { isSoak }));

Deno.test("if nothing failed there is no fault, whatever happens to the other contestants", () => {
  const failing = campaign({ load: load({ tcp: { failures: { cut: 5 } } }) });
  assert.deepEqual(faults(campaign(), failing), []);
  assert.deepEqual(faultsOf(run({ "by-hand": failing })), []);
});

Deno.test("every failed request is a fault", () => {
  const wrapper = campaign({
    load: load({ tcp: { failures: { cut: 1 } }, tls: { failures: { wrong: 2, reset: 1 } } }),
  });
  assert.deepEqual(faults(wrapper), [
    "HTTPS, a handshake for each request: 2 × wrong answer",
    "HTTPS, a handshake for each request: 1 × reset",
    "TCP, connections of 1 to 3 s: 1 × cut answer",
  ]);
});

Deno.test("an idle closing is a fault if HAProxy was told to announce it", () => {
  const failures = { idle_closing: 9 };
  assert.deepEqual(faults(campaign({ load: load({ keep_alive: { failures } }) })), []);
  assert.equal(faults(campaign({ load: load({ keep_alive_closing: { failures } }) })).length, 1);
  assert.equal(faults(campaign({ load: load({ http2: { failures } }) })).length, 1);
});

Deno.test("elsewhere idle closings are a fault if there are many more than by hand", () => {
  const having = (count: number) =>
    campaign({ load: load({ keep_alive: { failures: { idle_closing: count } } }) });
  assert.deepEqual(faults(having(30), having(10)), []);
  assert.deepEqual(faults(having(31), having(10)), [
    "31.00 in 1,000 of the keep-alive requests met the closing of their connection, by hand 10.00 in 1,000",
  ]);
});

Deno.test("QUIC failures are a fault if there are many more than by hand in the same run; a wrong answer always is", () => {
  const having = (count: number) =>
    campaign({ load: load({ http3: { failures: { cut: count } } }) });
  assert.deepEqual(faults(having(30), having(10)), []);
  assert.deepEqual(faults(having(31), having(10)), [
    "15.50 in 1,000 of the requests over QUIC failed, by hand 5.00 in 1,000",
  ]);
  assert.deepEqual(faultsOf(run({ wrapper: having(500) })), []);
  const wrong = campaign({ load: load({ http3_kept: { failures: { wrong: 1 } } }) });
  assert.deepEqual(faults(wrong), ["HTTP/3 over QUIC, kept connections: 1 × wrong answer"]);
});

Deno.test("a reload that ended otherwise is a fault, and so is a kind that got no answer", () => {
  const mishaps = [{ number: 7, change: "content 5", what: "was refused" }];
  assert.deepEqual(faults(campaign({ mishaps })), ["reload 7 (content 5): was refused"]);
  const unanswered = load({ http2: { requests: 3, failures: { timeout: 3 } } });
  assert.deepEqual(faults(campaign({ load: unanswered })), [
    "HTTP/2 over TLS, kept connections: 3 × timeout",
    "HTTP/2 over TLS, kept connections: no request was answered",
  ]);
});

Deno.test("a soak finds growth at rest", () => {
  const growing = (memory: number, files: number) =>
    campaign({
      samples: Array.from({ length: 40 }, (_, second) => {
        const isPeak = second % 5 === 0;
        const grown = second / 39;
        return sample(
          second,
          isPeak ? 90_000 : 14_000 + memory * grown,
          isPeak ? 99 : 20 + files * grown,
        );
      }),
    });
  assert.deepEqual(faults(growing(1_000, 3), campaign(), true), []);
  assert.deepEqual(faults(growing(9_000, 30), campaign(), false), []);
  const [memory, files] = faults(growing(9_000, 30), campaign(), true);
  assert.match(memory!, /^the wrapper's memory in kB grew from 14\d+/);
  assert.match(files!, /^the wrapper's open files grew from 2\d to 4\d,/);
});
