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

/** What a killed wrapper left. */
export const finished = (path: string): LogEntry => ({
  level: "info",
  text: `"${path}" is in place now: a killed wrapper had saved only the other file of its pair`,
  fields: { reason: "obtained", changed: [path] },
});

export const removed = (path: string): LogEntry => ({
  level: "info",
  text: `removed "${path}", which a killed wrapper had left unfinished`,
  fields: { reason: "obtained" },
});

export const notTidied = (path: string, reason: string): LogEntry => ({
  level: "error",
  text:
    `cannot finish what a killed wrapper began to save for "${path}": ${reason}; the file and ` +
    "its key's may not match, which HAProxy does not notice",
  fields: { reason, changed: [path] },
});
