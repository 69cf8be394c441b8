/** Says which events were lost, and asks for rescans: few of each, however many events are lost. */
import type { Log } from "../../system/log.ts";
import { formatDuration } from "../../text/duration.ts";
import { systemReason } from "../../text/system_reason.ts";

export interface LossReport {
  /** Takes note of an `error` that came in the place of an event; resolves when the next one may be taken. */
  report(error: unknown): Promise<void>;
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
 * Long, because a rescan finds next to nothing about a name that is not UTF-8: a file that is renamed to or
 * from a proper name has an event of its own.
 */
const RESCAN_PAUSE_MS = 5_000;

/** An error that is not about a single event may come again at once, without end. */
const ERROR_PAUSE_MS = 1_000;

/** More than there are; texts that differ each time must not flood the log. */
const MOST_CAUSES = 10;

export function createLossReport(
  { onLoss, log, rescanPauseMs = RESCAN_PAUSE_MS }: LossReportOptions,
): LossReport {
  const told = new Set<string>();
  let pause: ReturnType<typeof setTimeout> | undefined;
  let isOwed = false;

  function rescan(): void {
    isOwed = false;
    pause = setTimeout(() => {
      pause = undefined;
      if (isOwed) rescan();
    }, rescanPauseMs);
    onLoss();
  }

  function tell(error: unknown): void {
    const reason = systemReason(error);
    if (told.size >= MOST_CAUSES || told.has(reason)) return;
    told.add(reason);
    const why = isAboutName(error)
      ? "an entry of a watched directory has a name that is not UTF-8"
      : reason;
    const text = `an event of the file system was lost: ${why}; all sources are scanned again, ` +
      `as after every such loss from now on, at most every ${formatDuration(rescanPauseMs)}`;
    log({ level: "warning", text, fields: { reason } });
  }

  return {
    async report(error) {
      tell(error);
      if (pause === undefined) rescan();
      else isOwed = true;
      if (!isAboutName(error)) await new Promise((resolve) => setTimeout(resolve, ERROR_PAUSE_MS));
    },
    close() {
      clearTimeout(pause);
    },
  };
}

/** Such an error has used up its event, so that the next one does not come at once (2.6 and 2.9). */
const isAboutName = (error: unknown) => error instanceof TypeError && /UTF-8/.test(error.message);
