/** Log and error texts about the status address. Pure. */
import type { LogEntry } from "../system/log.ts";
import { describeStatusAddress, type StatusAddress } from "../settings/status_address.ts";

export function describeListening(address: StatusAddress): LogEntry {
  const where = describeStatusAddress(address);
  return {
    level: "info",
    text: `status, health and metrics on ${where}`,
    fields: { reason: where },
  };
}

export function describeNotListening(address: StatusAddress, reason: string): string {
  return `cannot listen for the status on "${describeStatusAddress(address)}": ${reason}; ` +
    "nothing was started";
}
