/** Tests and loads that speak HTTP/3: what they need of HAProxy and of Deno. */
import { capabilityTest } from "./capabilities.ts";
import { commonTest } from "./program.ts";

/** What is not there, with the HAProxy that PATH names by now; `null`: nothing. */
export function whatQuicLacks(): string | null {
  if (!haproxyIs("feature(QUIC) && !feature(QUIC_OPENSSL_COMPAT)")) {
    return "needs a HAProxy with QUIC";
  }
  return "connectQuic" in Deno ? null : "needs Deno's --unstable-net";
}

/** The same for tests, which are all of one HAProxy. */
export const missingForQuic = whatQuicLacks();

/** Registers a test of what not every HAProxy can. */
export const quicTest = capabilityTest(missingForQuic, commonTest);

function haproxyIs(condition: string): boolean {
  return new Deno.Command("haproxy", { args: ["-cc", condition] }).outputSync().success;
}
