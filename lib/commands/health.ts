/** Asks a running wrapper, at its status address, whether it is healthy: for health checks of containers. */
import type { HealthAnswer } from "../status/health.ts";
import { describeStatusAddress, type StatusAddress } from "../settings/status_address.ts";
import { within } from "../system/cut_off.ts";
import { systemReason } from "../text/system_reason.ts";

/** Healthy means that `/healthz` answers 200. */
export async function askHealth(address: StatusAddress, limitMs = LIMIT_MS): Promise<HealthAnswer> {
  const where = `the status at "${describeStatusAddress(address)}"`;
  try {
    const answer = await within(limitMs, ask(address));
    if (answer === null) return unhealthy(`${where} did not answer in ${limitMs} ms`);
    const { status, reason } = ANSWER.exec(answer)?.groups ?? {};
    if (status === "200") return { isOk: true };
    if (status === "503") return unhealthy(reason!.trim());
    const found = answer.split("\r\n")[0]!.slice(0, MOST_SHOWN);
    return unhealthy(`${where} answered "${found}", wanted HTTP status 200 or 503`);
  } catch (error) {
    return unhealthy(`cannot ask ${where}: ${systemReason(error)}`);
  }
}

const unhealthy = (reason: string): HealthAnswer => ({ isOk: false, reason });

/** Less than the usual timeouts of health checks, which would not say why. */
const LIMIT_MS = 5_000;

const MOST_SHOWN = 80;

const ANSWER = /^HTTP\/1\.1 (?<status>\d{3}) [^]*?\r\n\r\n(?<reason>[^]*)$/;

const REQUEST = new TextEncoder().encode("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");

/** More than the longest answer of `/healthz`. Another program may listen there. */
const MOST_BYTES = 8_192;

async function ask(address: StatusAddress): Promise<string> {
  using connection = await connect(address);
  await connection.write(REQUEST);
  const bytes = new Uint8Array(MOST_BYTES);
  let length = 0;
  while (length < MOST_BYTES) {
    const count = await connection.read(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}

async function connect(address: StatusAddress): Promise<Deno.Conn> {
  switch (address.tag) {
    case "unix":
      return await Deno.connect({ transport: "unix", path: address.path });
    case "tcp": {
      const { hostname, port } = address;
      return await Deno.connect({ hostname: LOCAL[hostname] ?? hostname, port });
    }
    default:
      return address satisfies never;
  }
}

/** Where to reach a wrapper that listens on every address. */
const LOCAL: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
