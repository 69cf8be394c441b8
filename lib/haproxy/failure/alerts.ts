/** What HAProxy says about a configuration that it does not take. Pure. */
import { maskedMessage } from "../../secrets/masked_message.ts";

/** A line of the configuration that HAProxy has named. */
export interface Place {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** The alerts in HAProxy's `output`, with the lines that go on with one and without secrets; a few that say the most. */
export function alertsOf(output: string): readonly string[] {
  let isAlert = false;
  return output.split("\n").filter((line) => {
    isAlert = line.startsWith("[ALERT]") || (isAlert && CONTINUATION.test(line));
    return isAlert && !SUMMARY.test(line);
  }).slice(0, MOST_ALERTS).map((line) =>
    maskedMessage(line.slice(0, MOST_READ)).slice(0, MOST_CHARACTERS)
  );
}

/** The places that `alerts` name, each once and in their order. */
export function placesOf(alerts: readonly string[]): readonly Place[] {
  const places = alerts.flatMap((alert) =>
    [...alert.matchAll(NAMED_LINE)].map(([, path, line]) => ({
      path: path!,
      line: Number(line),
    }))
  );
  return [...new Map(places.map((place) => [`${place.path}:${place.line}`, place])).values()];
}

/** An address stands in brackets, too. */
const NAMED_LINE = /\[(?![\d.*]+:)([^\]:]+):(\d+)\]/g;

const CONTINUATION = /^\s+\|/;

/** What follows the alerts that say it, on HAProxy 2.4 to 3.4. */
const SUMMARY = /(?:Error\(s\) found in configuration file|Fatal errors found in configuration)/;

const MOST_ALERTS = 20;
const MOST_CHARACTERS = 500;
/** A value that is cut here has no end, and is masked. */
const MOST_READ = 2_000;
