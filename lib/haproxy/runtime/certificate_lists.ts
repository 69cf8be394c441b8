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

/** `line`: of a list that is a file. */
export const addLine = (ask: Ask, list: string, line: string): Step =>
  expect(ask, `add ssl crt-list ${escaped(list)} <<\n${line}\n`, /^Success!$/m);

/** Refused for the default certificate, which clients get that ask for no known name. */
export const deleteFromList = (ask: Ask, list: string, name: string, number?: number): Step =>
  expect(
    ask,
    `del ssl crt-list ${escaped(list)} ${escaped(name)}${number === undefined ? "" : `:${number}`}`,
    /^Entry '.*' deleted in /ms,
  );

/** Whether the list has the certificate; `null` without an answer. */
export async function isInList(ask: Ask, list: string, name: string): Promise<boolean | null> {
  const answer = await ask(`show ssl crt-list ${escaped(list)}`);
  const isOfIt = (line: string) => line === name || line.startsWith(`${name} `);
  return answer === null ? null : answer.split("\n").some(isOfIt);
}

/** A line of a list that is a file. */
export interface ShownLine {
  readonly name: string;
  /** By which HAProxy knows it: what comes later gets the next one. */
  readonly number: number;
  readonly options: string;
  readonly filters: readonly string[];
}

/** The lines that a process has; `null` without an answer. */
export async function showLines(ask: Ask, list: string): Promise<readonly ShownLine[] | null> {
  const answer = await ask(`show ssl crt-list -n ${escaped(list)}`);
  if (answer === null || !answer.startsWith(`# ${list}\n`)) return null;
  return answer.split("\n").slice(1).flatMap((text) => {
    const [, name, number, options = "", filters = ""] = SHOWN.exec(text) ?? [];
    if (name === undefined) return text === "" ? [] : [{ ...UNKNOWN, name: text }];
    return [{ name, number: Number(number), options: plain(options), filters: words(filters) }];
  });
}

const SHOWN = /^(.+?):(\d+)(?: \[(.*?)\])?((?: \S+)*)$/;
const UNKNOWN = { number: 0, options: "", filters: [] };

/** Behind some values HAProxy writes a NUL (2.6 to 3.4). */
const plain = (options: string) => words(options.replaceAll("\0", " ")).join(" ");
const words = (text: string) => text.split(" ").filter((word) => word !== "");

async function expect(ask: Ask, command: string, wanted: RegExp): Step {
  const answer = await ask(command);
  return answer !== null && wanted.test(answer) ? null : quoted(answer);
}
