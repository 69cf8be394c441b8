/** Tests and loads that speak HTTP/3: what they need of HAProxy and of Deno. */
import { commonTest } from "./program.ts";

/** What is not there; `null`: nothing. */
export const missingForQuic = !haproxyIs("feature(QUIC) && !feature(QUIC_OPENSSL_COMPAT)")
  ? "needs a HAProxy with QUIC"
  : !("connectQuic" in Deno)
  ? "needs Deno's --unstable-net"
  : null;

/** Registers a test of what not every HAProxy can. */
export const quicTest: typeof commonTest = missingForQuic === null
  ? commonTest
  : (name) => Deno.test({ name: `${name} (${missingForQuic})`, ignore: true, fn: () => {} });

function haproxyIs(condition: string): boolean {
  return new Deno.Command("haproxy", { args: ["-cc", condition] }).outputSync().success;
}
