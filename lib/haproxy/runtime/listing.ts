/** Asks an HAProxy process which files it has loaded. */
import type { Ask } from "./client.ts";
import { MOST_REFERENCES } from "../../config/file_references.ts";

/** A file, by its name in the Runtime API. Maps and ACLs also have a number. */
export type ListedFile =
  | {
    readonly tag: "certificate" | "ca_file" | "crl_file" | "certificate_list" | "ticket_keys";
    readonly name: string;
  }
  | { readonly tag: "map" | "acl"; readonly name: string; readonly id: number };

/**
 * The files that the process has loaded, except those that its version cannot list (CA files and CRLs before HAProxy
 * 2.6). `null` if it does not answer, or lists more files than the wrapper can track.
 */
export async function listLoaded(ask: Ask): Promise<readonly ListedFile[] | null> {
  const listed: ListedFile[] = [];
  // One after the other, because HAProxy locks its certificates.
  for (const tag of Object.keys(LISTS) as ListedFile["tag"][]) {
    const answer = await ask(listCommandOf(tag));
    if (answer === null) return null;
    for (const file of parseListing(tag, answer)) listed.push(file);
    if (listed.length > MOST_REFERENCES) return null;
  }
  return listed;
}

export const listCommandOf = (tag: ListedFile["tag"]) => LISTS[tag].command;

/** Reads the answer to a kind's command, as HAProxy 2.4 to 3.4 write it. Pure. */
export function parseListing(tag: ListedFile["tag"], answer: string): ListedFile[] {
  if (/^Unknown command/m.test(answer)) return [];
  return answer.split("\n").flatMap((line) => {
    const { name, id } = LISTS[tag].line.exec(line)?.groups ?? {};
    if (name === undefined) return [];
    return [(id === undefined ? { tag, name } : { tag, name, id: Number(id) }) as ListedFile];
  });
}

/** Excludes comments, and files in an open transaction, which have a star in front. */
const NAME_ALONE = /^(?<name>[^#*].*)$/s;
/** An inline ACL stands in the configuration itself, and a `virt@` one is no file. */
const PATTERNS = /^(?<id>\d+) \((?!virt@)(?<name>.+?)\) pattern loaded from file '/;

const LISTS = {
  certificate: { command: "show ssl cert", line: NAME_ALONE },
  ca_file: {
    command: "show ssl ca-file",
    line: /^(?<name>[^#*@].*?)(?: - \d+ certificate\(s\))?$/s,
  },
  crl_file: { command: "show ssl crl-file", line: NAME_ALONE },
  certificate_list: { command: "show ssl crt-list", line: NAME_ALONE },
  map: { command: "show map", line: PATTERNS },
  acl: { command: "show acl", line: PATTERNS },
  ticket_keys: { command: "show tls-keys", line: /^\d+ \((?<name>.+)\)$/ },
} as const;
