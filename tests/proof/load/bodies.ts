/** The right answers, by which a short or mixed-up one is noticed. */
import { Failure } from "../../support/clients/failures.ts";

/** The path of HAProxy's own answer. */
export const QUICK_PATH = "/";

/** The path of the upstream server's answer, which comes late and in two parts. */
export const SLOW_PATH = "/slow";

/** The words before a content's number. */
const CONTENT = "content ";

/** HAProxy's own answer. */
export const contentText = (content: number) => `${CONTENT}${content}`;

/** The upstream server's answer. */
export const SLOW_BODY = Array.from({ length: 1_024 }, (_, line) => `${line}`.padStart(7) + "\n")
  .join("");

/** The content's number; `null` for the upstream server's answer. @throws {Failure} */
export function contentOf(body: string, isSlow: boolean): number | null {
  if (isSlow && body === SLOW_BODY) return null;
  const number = body.startsWith(CONTENT) ? Number(body.slice(CONTENT.length)) : NaN;
  if (!isSlow && Number.isInteger(number)) return number;
  throw new Failure("wrong", `answered "${body.slice(0, 60)}" (${body.length} characters)`);
}
