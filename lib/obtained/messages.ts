/** The log lines about certificates that HAProxy obtains itself. Pure. */
import { RUNTIME_PARENTS } from "../settings/option_types.ts";
import type { LogEntry } from "../system/log.ts";

export interface SavedFacts {
  readonly generation: number;
  /** The file that the configuration names. */
  readonly path: string;
}

export const saved = ({ generation, path }: SavedFacts, expiresMs: number): LogEntry => ({
  level: "info",
  text: `certificate "${path}", which generation ${generation} obtained, is saved; it expires ` +
    new Date(expiresMs).toISOString(),
  fields: { generation, reason: "obtained", changed: [path] },
});

/** `reason`: a clause about the file. */
export const notWritten = ({ generation, path }: SavedFacts, reason: string): LogEntry => ({
  level: "error",
  text: `cannot save the certificate that generation ${generation} obtained in "${path}": ` +
    `${reason}; the next generation orders another one unless the file can be written, which ` +
    `takes a folder below ${WRITABLE} that nobody else may write to`,
  fields: { generation, reason, changed: [path] },
});

const QUOTED = RUNTIME_PARENTS.map((parent) => `"${parent}"`);
const WRITABLE = `${QUOTED.slice(0, -1).join(", ")} or ${QUOTED.at(-1)}`;

/** `reason`: a clause about the certificate. */
export const notSaved = ({ generation, path }: SavedFacts, reason: string): LogEntry => ({
  level: "warning",
  text: `the certificate that generation ${generation} obtained is not saved in "${path}": ` +
    reason,
  fields: { generation, reason, changed: [path] },
});

export const notObtained = ({ generation, path }: SavedFacts): LogEntry => ({
  level: "warning",
  text: `generation ${generation} obtained no certificate for "${path}": HAProxy's own log says ` +
    "why; it tries again when it next starts, and twice a day",
  fields: { generation, reason: "not obtained", changed: [path] },
});
