/** The program's own log: one line per event. The only user of `@std/log`. */
import { BaseHandler } from "@std/log/base-handler";
import { Logger, type LogRecord } from "@std/log/logger";
import { visible, visibleJson } from "../text/visible.ts";

export type LogLevel = "debug" | "info" | "warning" | "error";
export type LogFormat = "text" | "json";

/** What a JSON line shows in addition to its text. Durations are in milliseconds. */
export interface LogFields {
  readonly generation?: number;
  readonly reason?: string;
  readonly durationMs?: number;
  readonly changed?: readonly string[];
  readonly draining?: number;
  readonly connections?: number;
  readonly signal?: string;
  readonly exitCode?: number;
}

export interface LogEntry {
  readonly level: LogLevel;
  readonly text: string;
  readonly fields: LogFields;
}

export type Log = (entry: LogEntry) => void;

export interface LogOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  readonly pid: number;
  readonly write: (line: string) => void;
}

/** Creates the log; entries below `level` are dropped. */
export function createLog({ format, level, pid, write }: LogOptions): Log {
  const formatter = format === "json" ? jsonLine(pid) : textLine(pid);
  const handler = new LineHandler(STD_LEVELS[level], { formatter });
  handler.write = write;
  const logger = new Logger("haproxy-reload-wrapper", STD_LEVELS[level], { handlers: [handler] });
  const writers = {
    debug: (entry: LogEntry) => logger.debug(entry.text, entry),
    info: (entry: LogEntry) => logger.info(entry.text, entry),
    warning: (entry: LogEntry) => logger.warn(entry.text, entry),
    error: (entry: LogEntry) => logger.error(entry.text, entry),
  };
  return (entry) => writers[entry.level](entry);
}

export function describeLostLines(lines: number): LogEntry {
  const text =
    `${lines} lines of this log were lost: nobody read stdout, and too many lines were waiting`;
  return { level: "warning", text, fields: { reason: "stdout was blocked" } };
}

/** Writes a whole line to stdout, however long that takes. It is not an error if nobody reads it any more. */
export function writeToStdout(line: string): void {
  try {
    let bytes = new TextEncoder().encode(`${line}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  } catch {
    return;
  }
}

/** Writes a problem that keeps the program from running to stderr. */
export const complain = (problem: string) =>
  console.error(`haproxy-reload-wrapper: ${visible(problem)}`);

const STD_LEVELS = { debug: "DEBUG", info: "INFO", warning: "WARN", error: "ERROR" } as const;

class LineHandler extends BaseHandler {
  write: (line: string) => void = () => {};

  override log(message: string): void {
    this.write(message);
  }
}

const textLine = (pid: number) => (record: LogRecord) => {
  const { level, text } = record.args[0] as LogEntry;
  return `${record.datetime.toISOString()} ${level} [${pid}] ${visible(text)}`;
};

const jsonLine = (pid: number) => (record: LogRecord) => {
  const { level, text, fields } = record.args[0] as LogEntry;
  return visibleJson({ time: record.datetime.toISOString(), level, pid, text, ...fields });
};
