/** Logs lost events and asks for rescans: few of each, however many events are lost. */
import type { Log } from "../../system/log.ts";
import { formatDuration } from "../../text/duration.ts";
import { systemReason } from "../../text/system_reason.ts";

export interface LossReport {
  /** Handles an `error` that came in place of an event; resolves when the next one may be taken. */
  report(error: unknown): Promise<void>;
  /** Handles that events were lost because of `error`. */
  note(error: unknown): void;
  /** Handles that events may have been lost, without a word: a log that is written to is no fault. */
  rescanSoon(): void;
  close(): void;
}

export interface LossReportOptions {
  /** Called when anything may have changed. */
  readonly onLoss: () => void;
  readonly log: Log;
  /** For tests. */
  readonly rescanPauseMs?: number;
}

/**
 * Long, because a rescan finds next to nothing about a name that is not UTF-8: renaming it to or from a valid
 * name gives an event of its own.
 */
const RESCAN_PAUSE_MS = 5_000;

/** An error that is not about a single event may recur immediately, without end. */
const ERROR_PAUSE_MS = 1_000;

/** More than are known: texts that differ each time must not flood the log. */
const MOST_CAUSES = 10;

export function createLossReport(
  { onLoss, log, rescanPauseMs = RESCAN_PAUSE_MS }: LossReportOptions,
): LossReport {
  const logged = new Set<string>();
  let pause: ReturnType<typeof setTimeout> | undefined;
  let isPending = false;

  function rescan(): void {
    isPending = false;
    pause = setTimeout(() => {
      pause = undefined;
      if (isPending) rescan();
    }, rescanPauseMs);
    onLoss();
  }

  function logOnce(error: unknown): void {
    const reason = systemReason(error);
    if (logged.size >= MOST_CAUSES || logged.has(reason)) return;
    logged.add(reason);
    const cause = isAboutName(error)
      ? "an entry of a watched directory has a name that is not UTF-8"
      : reason;
    const text = `file events may have been lost: ${cause}; all sources are scanned again, ` +
      `now and after each further loss, at most every ${formatDuration(rescanPauseMs)}`;
    log({ level: "warning", text, fields: { reason } });
  }

  function rescanSoon(): void {
    if (pause === undefined) rescan();
    else isPending = true;
  }

  function note(error: unknown): void {
    logOnce(error);
    rescanSoon();
  }

  return {
    note,
    rescanSoon,
    async report(error) {
      note(error);
      if (!isAboutName(error)) await new Promise((resolve) => setTimeout(resolve, ERROR_PAUSE_MS));
    },
    close() {
      clearTimeout(pause);
    },
  };
}

/** Such an error uses up its event, so it does not recur immediately (2.6 and 2.9). */
const isAboutName = (error: unknown) => error instanceof TypeError && /UTF-8/.test(error.message);
