/** Reads and writes durations as Go does: `500ms`, `1m30s`, `1.5h`. Pure. */

/**
 * The milliseconds that `text` means; `null` if it is not a duration. The format is that of Go's
 * `time.ParseDuration`, without a sign: `0`, or numbers with one of `ns us µs ms s m h`.
 */
export function parseDuration(text: string): number | null {
  if (text === "0") return 0;
  const parts = [...text.matchAll(PART)];
  const readAll = parts.map(([whole]) => whole).join("") === text;
  if (parts.length === 0 || !readAll) return null;
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_MS[unit!]!, 0);
}

/** A duration, rounded for people: 31 is `31ms`, 41200 is `41.2s`, 90000 is `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${Math.round(ms / 100) / 10}s`;
  const seconds = Math.round(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 3_600), "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join("");
}

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
