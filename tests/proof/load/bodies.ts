/** What is right to be answered, so that a short or mixed-up answer is told. */
import { Failure } from "../../support/clients/failures.ts";

/** Asked for what HAProxy answers itself. */
export const QUICK_PATH = "/";

/** Asked for what the upstream server answers, after a while and in two parts. */
export const SLOW_PATH = "/slow";

/** The words in front of a content's number. */
const CONTENT = "content ";

/** What HAProxy answers itself. */
export const contentText = (content: number) => `${CONTENT}${content}`;

/** What the upstream server answers. */
export const SLOW_BODY = Array.from({ length: 1_024 }, (_, line) => `${line}`.padStart(7) + "\n")
  .join("");

/** The number of the content; `null` for an answer of the upstream server. @throws {Failure} */
export function contentOf(body: string, isSlow: boolean): number | null {
  if (isSlow && body === SLOW_BODY) return null;
  const number = body.startsWith(CONTENT) ? Number(body.slice(CONTENT.length)) : NaN;
  if (!isSlow && Number.isInteger(number)) return number;
  throw new Failure("wrong", `answered "${body.slice(0, 60)}" (${body.length} characters)`);
}
