/** The Runtime API for certificates that come and go. */
import { type Ask, escaped, quoted } from "./client.ts";

/** Each step returns `null`, or why it failed as a clause. */
type Step = Promise<string | null>;

/** Makes an empty certificate, which is then set by a transaction. */
export const newCertificate = (ask: Ask, name: string): Step =>
  expect(ask, `new ssl cert ${escaped(name)}`, /^New empty certificate store /m);

/** Refused as long as it is in use. */
export const deleteCertificate = (ask: Ask, name: string): Step =>
  expect(ask, `del ssl cert ${escaped(name)}`, /^Certificate '.*' deleted!$/ms);

/** `list`: a directory that HAProxy has loaded as a whole, by its name. */
export const addToList = (ask: Ask, list: string, name: string): Step =>
  expect(ask, `add ssl crt-list ${escaped(list)} ${escaped(name)}`, /^Success!$/m);

/** Refused for what is served to clients that ask for no name that is known. */
export const deleteFromList = (ask: Ask, list: string, name: string): Step =>
  expect(ask, `del ssl crt-list ${escaped(list)} ${escaped(name)}`, /^Entry '.*' deleted in /ms);

/** Whether the list has the certificate; `null` without an answer. */
export async function isInList(ask: Ask, list: string, name: string): Promise<boolean | null> {
  const answer = await ask(`show ssl crt-list ${escaped(list)}`);
  return answer === null ? null : answer.split("\n").includes(name);
}

async function expect(ask: Ask, command: string, wanted: RegExp): Step {
  const answer = await ask(command);
  return answer !== null && wanted.test(answer) ? null : quoted(answer);
}
