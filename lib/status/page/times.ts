/** Times and spans on the page: UTC, short, and no more precise than helps. Pure. */
import { type Html, html } from "./html.ts";

/** A point in time, and how long ago it was. */
export function since(ms: number, nowMs: number): Html {
  return html`${time(ms, nowMs)} UTC <span class="age">(${describeSeconds(nowMs - ms)} ago)</span>`;
}

export function time(ms: number, nowMs: number): Html {
  return html`<time datetime="${new Date(ms).toISOString()}">${describeTime(ms, nowMs)}</time>`;
}

/** `14:03:12`, or `22 Nov 14:03:12` on another day. */
export function describeTime(ms: number, nowMs: number): string {
  const { day, clock } = partsOf(ms);
  return day === partsOf(nowMs).day ? clock : `${day.slice(0, "22 Nov".length)} ${clock}`;
}

/** `22 Nov 2026 14:03:12`. */
export function describeMoment(ms: number): string {
  const { day, clock } = partsOf(ms);
  return `${day} ${clock}`;
}

/** `47 ms`, `1.3 s`, and from ten seconds on like `describeSeconds`. */
export function describeSpan(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return ms < 9_950 ? `${Math.round(ms / 100) / 10} s` : describeSeconds(ms);
}

/** In the two largest units: `0 s`, `3 min 12 s`, `3 h 12 min`, `2 d`. Never negative, even if the clock was set back. */
export function describeSeconds(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const shown = parts.slice(first).slice(0, 2).filter(([count]) => count > 0);
  return first === -1 ? "0 s" : shown.map((words) => words.join(" ")).join(" ");
}

/** Cut from `Sun, 22 Nov 2026 14:03:12 GMT`. */
function partsOf(ms: number): { readonly day: string; readonly clock: string } {
  const text = new Date(ms).toUTCString();
  return { day: text.slice(5, 16), clock: text.slice(17, 25) };
}
