/** Extracts the alerts from HAProxy's output about a configuration that it refuses. Pure. */
import { maskedMessage } from "../../secrets/masked_message.ts";

export interface Place {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** The first alerts in HAProxy's `output`, with their continuation lines and without secrets. */
export function alertsOf(output: string): readonly string[] {
  let isAlert = false;
  return output.split("\n").filter((line) => {
    isAlert = line.startsWith("[ALERT]") || (isAlert && CONTINUATION.test(line));
    return isAlert && !SUMMARY.test(line);
  }).slice(0, MOST_ALERTS).map((line) =>
    maskedMessage(line.slice(0, MOST_READ)).slice(0, MOST_CHARACTERS)
  );
}

/** The places that `alerts` name, each once, in order. */
export function placesOf(alerts: readonly string[]): readonly Place[] {
  const places = alerts.flatMap((alert) => [...alert.matchAll(NAMED_LINE)])
    .map(([, path, line]) => ({ path: path!, line: Number(line) }));
  return [...new Map(places.map((place) => [`${place.path}:${place.line}`, place])).values()];
}

/** Addresses stand in brackets too. */
const NAMED_LINE = /\[(?![\d.*]+:)([^\]:]+):(\d+)\]/g;

const CONTINUATION = /^\s+\|/;

/** Repeats what the alerts before it say (HAProxy 2.4 to 3.4). */
const SUMMARY = /(?:Error\(s\) found in configuration file|Fatal errors found in configuration)/;

const MOST_ALERTS = 20;
const MOST_CHARACTERS = 500;
/** A value cut here is masked, because its end is missing. */
const MOST_READ = 2_000;
