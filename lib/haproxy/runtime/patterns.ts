/** Maps and ACLs by the Runtime API: a new version is prepared, filled, and then committed or cleared. */
import { type Ask, escaped, quoted } from "./client.ts";

/** A map or an ACL of a process. */
export interface PatternList {
  readonly tag: "map" | "acl";
  readonly id: number;
}

export type Prepared =
  | { readonly tag: "prepared"; readonly version: PatternVersion }
  | { readonly tag: "failed"; readonly reason: string };

/** Makes a version that nobody uses yet. */
export async function prepareVersion(list: PatternList, ask: Ask): Promise<Prepared> {
  const answer = await ask(`prepare ${list.tag} #${list.id}`);
  const version = /New version created: (\d+)/.exec(answer ?? "")?.[1];
  if (version === undefined) return { tag: "failed", reason: quoted(answer) };
  return { tag: "prepared", version: new PatternVersion(list, Number(version), ask) };
}

/** The entries in use, each as `show` writes it; `null` without an answer. */
export const showEntries = async ({ tag, id }: PatternList, ask: Ask) =>
  parseEntries(await ask(`show ${tag} #${id}`));

/** Each step gives `null`, or a clause about why it failed. */
export class PatternVersion {
  readonly #list: PatternList;
  readonly #version: number;
  readonly #ask: Ask;

  constructor(list: PatternList, version: number, ask: Ask) {
    this.#list = list;
    this.#version = version;
    this.#ask = ask;
  }

  async add(entries: readonly string[]): Promise<string | null> {
    for (const command of addCommands(this.#list, this.#version, entries)) {
      const answer = await this.#ask(command);
      if (answer?.trim() !== "") return quoted(answer);
    }
    return null;
  }

  async show(): Promise<readonly string[] | null> {
    return parseEntries(await this.#ask(`show ${this.#target}`));
  }

  async commit(): Promise<string | null> {
    const answer = await this.#ask(`commit ${this.#target}`);
    return answer?.trim() === "" ? null : quoted(answer);
  }

  async clear(): Promise<void> {
    await this.#ask(`clear ${this.#target}`);
  }

  get #target(): string {
    return targetOf(this.#list, this.#version);
  }
}

const targetOf = ({ tag, id }: PatternList, version: number) => `${tag} @${version} #${id}`;

/** The commands that add `entries` to a prepared version. Only maps take a payload (HAProxy 2.6 to 3.0). */
export function addCommands(
  list: PatternList,
  version: number,
  entries: readonly string[],
): string[] {
  const adding = `add ${targetOf(list, version)}`;
  if (list.tag === "map") {
    return portionsOf(entries).map((part) => `${adding} <<\n${part.join("\n")}\n`);
  }
  return portionsOf(entries.map((entry) => `${adding} ${escaped(entry)}`))
    .map((part) => part.join(";"));
}

/** Each line without the address in front. */
export function parseEntries(answer: string | null): readonly string[] | null {
  if (answer === null) return null;
  return answer.split("\n").filter((line) => line !== "")
    .map((line) => line.replace(/^0x[0-9a-f]+ /, ""));
}

/** HAProxy drops a payload that is longer than its buffer, which may be set to 8 kB. */
const PORTION_BYTES = 7_000;

function portionsOf(lines: readonly string[]): string[][] {
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const line of lines) {
    const lineBytes = bytesOf(line) + 1;
    bytes += lineBytes;
    if (bytes > PORTION_BYTES) {
      parts.push([]);
      bytes = lineBytes;
    }
    parts.at(-1)!.push(line);
  }
  return parts;
}

/** UTF-8 needs at most three bytes for a unit of a string. */
const bytesOf = (line: string) => /[^ -~\t]/.test(line) ? 3 * line.length : line.length;
