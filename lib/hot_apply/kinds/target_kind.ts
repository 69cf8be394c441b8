/** What each kind of target implements, in a file of its own. */
import type { Ask } from "../../haproxy/runtime/client.ts";
import type { Target } from "../../loaded/targets.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";

export interface TargetKind<T extends Target> {
  /** Examines the new content, without asking the process. */
  plan(target: T, content: Content): Promise<Plan> | Plan;
}

export interface Content {
  readonly text: string;
  /** The text of a certificate's key file; `null` if there is none. */
  readonly key: string | null;
  /** Of a certificate: what the file with its issuer holds, and in base64 that with the OCSP response. */
  readonly issuer?: string | null;
  readonly ocsp?: string | null;
  /** Of servers: those of all files of the configuration. */
  readonly texts: readonly string[];
  /** Every file of the scan. */
  readonly files: Fingerprint["files"];
  /** Reads the files of another target as well. */
  readonly read: (target: Target) => Promise<Content | ChangedAgain | Impossible>;
}

export type Plan =
  | { readonly tag: "ready"; readonly apply: (ask: Ask) => Promise<Result> }
  | Refusal
  | Impossible
  | ChangedAgain;

/** A file differs from what was scanned. */
export interface ChangedAgain {
  readonly tag: "changed_again";
}

/** The result of applying a target. In every case no transaction stays open and nothing is half filled. */
export type Result =
  /** The process shows the new content; `detail` is a clause about it. */
  | {
    readonly tag: "applied";
    readonly detail: string;
    /** Where the process has not just other content than before. */
    readonly how?: "added" | "removed";
    /** The target as it is now, if it is another. */
    readonly after?: Target;
  }
  | Refusal
  | Impossible
  /** It is unknown which content the process has; `after` says of what. */
  | { readonly tag: "unconfirmed"; readonly reason: string; readonly after?: Target };

/** The old content stays, because the new one must not be served. */
export interface Refusal {
  readonly tag: "refused";
  /** A clause about the file. */
  readonly reason: string;
  /** What is missing, as a noun. */
  readonly awaited: string;
  /** When the content becomes valid by itself, in milliseconds since 1970; `null`: never. */
  readonly fitFromMs: number | null;
}

/** The old content stays, because only a reload can change it. */
export interface Impossible {
  readonly tag: "impossible";
  readonly reason: string;
}

export const refused = (
  reason: string,
  awaited: string,
  fitFromMs: number | null = null,
): Refusal => ({ tag: "refused", reason, awaited, fitFromMs });

export const impossible = (reason: string): Impossible => ({ tag: "impossible", reason });

export const unconfirmed = (reason: string): Result => ({ tag: "unconfirmed", reason });

/** A larger file requires a reload: then HAProxy reads it itself, instead of receiving it and sending it back. */
export const MOST_HOT_BYTES = 2 * 2 ** 20;

export const SHOWS_ANOTHER = "HAProxy shows something else after the change";
