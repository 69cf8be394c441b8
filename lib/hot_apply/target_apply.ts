/** Replaces what a generation has loaded from files, through its Runtime API, and reads back that it has. */
import { maskedMessage } from "../secrets/masked_message.ts";
import type { Target } from "../loaded/targets.ts";

/** Why a content must not be served. */
export interface Unfit {
  /** A clause about the file. */
  readonly reason: string;
  /** What has to come, as a noun. */
  readonly awaited: string;
  /** When that passes by itself, in milliseconds since 1970; `null`: only another content helps. */
  readonly fitFromMs: number | null;
}

/** What came of replacing one file's content. */
export type Replacement =
  /** `detail`: a clause about the new content. */
  | { readonly tag: "applied"; readonly detail: string }
  /** The old content stays, since the new one must not be served. */
  | { readonly tag: "refused" } & Unfit
  /** The old content stays, since only a reload can replace it. */
  | { readonly tag: "impossible"; readonly reason: string }
  /** Nobody knows which content the process has. */
  | { readonly tag: "unconfirmed"; readonly reason: string };

export const impossible = (reason: string): Replacement => ({ tag: "impossible", reason });

export const unconfirmed = (reason: string): Replacement => ({ tag: "unconfirmed", reason });

/** How HAProxy's answer reads in a sentence. */
export function quoted(answer: string | null): string {
  if (answer === null) return "HAProxy does not answer";
  const lines = answer.split("\n").filter((line) => line.trim() !== "");
  const line = lines.find((line) => !IS_PROGRESS.test(line)) ?? lines[0] ?? "";
  return `HAProxy says "${maskedMessage(line.slice(0, MOST_CHARACTERS))}"`;
}

/** Why what HAProxy shows after a change proves nothing. */
export const differs = (shown: string | null) =>
  shown === null ? quoted(shown) : "HAProxy shows something else after the change";

const MOST_CHARACTERS = 500;

const IS_PROGRESS = /^(?:committing|transaction (?:created|updated)) /i;

export type TargetOf<Tag extends Target["tag"]> = Extract<Target, { readonly tag: Tag }>;
