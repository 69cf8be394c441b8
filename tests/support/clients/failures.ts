/** The ways in which a request can fail, by how its connection ended. Pure. */

export const FAILURES = {
  refused: "connection refused",
  reset: "reset",
  empty: "empty answer",
  cut: "cut answer",
  timeout: "timeout",
  wrong: "wrong answer",
  idle_closing: "met the closing of an idle connection",
} as const;

export type FailureKind = keyof typeof FAILURES;

/** How a connection ended, if not by us. */
export type End =
  | { readonly tag: "closed" }
  | { readonly tag: "failed"; readonly error: Error };

export interface Circumstances {
  /** `connecting` includes the TLS handshake. */
  readonly phase: "connecting" | "asked" | "answering";
  /** Whether the connection has brought an answer before and has been idle since. */
  readonly wasIdle: boolean;
}

export class Failure extends Error {
  constructor(readonly kind: FailureKind, detail: string) {
    super(detail);
  }
}

/**
 * A request that crosses the closing of its idle connection fails before the first byte of the answer, by a reset
 * or an end. Only HTTP/1 is at fault: the client could not know.
 */
export function failureOf(end: End, { phase, wasIdle }: Circumstances): Failure {
  const detail = end.tag === "closed"
    ? `the connection was closed (${phase})`
    : `${end.error.name}: ${end.error.message} (${phase})`;
  return new Failure(kindOf(end, { phase, wasIdle }), detail);
}

function kindOf(end: End, { phase, wasIdle }: Circumstances): FailureKind {
  if (end.tag === "failed" && end.error instanceof Deno.errors.ConnectionRefused) return "refused";
  if (phase === "asked" && wasIdle) return "idle_closing";
  if (phase === "answering") return "cut";
  if (end.tag === "failed" && !isEnd(end.error)) return "reset";
  return phase === "asked" ? "empty" : "cut";
}

/** TLS without close_notify. */
const isEnd = (error: Error) => error instanceof Deno.errors.UnexpectedEof;
