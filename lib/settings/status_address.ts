/** Parses and formats the address of the status endpoints. Pure. */
import { isAbsolute, resolve } from "@std/path";

export type StatusAddress =
  | { readonly tag: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly tag: "unix"; readonly path: string };

/** Reads `127.0.0.1:9101`, `[::1]:9101`, `:9101` or `unix:/run/status.sock`; `null` for anything else. */
export function readStatusAddress(text: string): StatusAddress | null {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return isAbsolute(path) ? { tag: "unix", path: resolve(path) } : null;
  }
  const { v6, name, digits } = TCP.exec(text)?.groups ?? {};
  const port = Number(digits);
  if (digits === undefined || port > LAST_PORT) return null;
  return { tag: "tcp", hostname: v6 ?? (name || EVERY_ADDRESS), port };
}

/** An address for log lines, in a form that `curl` takes. */
export function describeStatusAddress(address: StatusAddress): string {
  switch (address.tag) {
    case "tcp": {
      const { hostname, port } = address;
      return `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`;
    }
    case "unix":
      return `unix:${address.path}`;
    default:
      return address satisfies never;
  }
}

const TCP = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[\w.-]*)):(?<digits>\d{1,5})$/;

const LAST_PORT = 65_535;

/** IPv4 only: not every machine has IPv6's `[::]`. */
const EVERY_ADDRESS = "0.0.0.0";
