/** Asks a HAProxy process which files it loaded. */
import type { Ask } from "./asking.ts";
import { MOST_NAMED } from "../../config/reference_finder.ts";

/** A file by the name that the Runtime API has for it; maps and ACLs have a number as well. */
export type ListedFile =
  | {
    readonly tag: "certificate" | "ca_file" | "crl_file" | "certificate_list" | "ticket_keys";
    readonly name: string;
  }
  | { readonly tag: "map" | "acl"; readonly name: string; readonly id: number };

/**
 * What the process that `ask` asks has loaded. What its version cannot list (HAProxy 2.4 and 2.5 know no
 * CA files and CRLs) is left out; `null` if it does not answer, or lists more than can be followed.
 */
export async function listLoaded(ask: Ask): Promise<readonly ListedFile[] | null> {
  const listed: ListedFile[] = [];
  // At the same time they would be in each other's way: HAProxy locks its certificates.
  for (const { tag, command } of LISTS) {
    const answer = await ask(command);
    if (answer === null) return null;
    for (const file of parseListing(tag, answer)) listed.push(file);
    if (listed.length > MOST_NAMED) return null;
  }
  return listed;
}

/** The command that lists the files of a kind. */
export function listCommandOf(tag: ListedFile["tag"]): string {
  return LISTS.find((list) => list.tag === tag)!.command;
}

/** Reads the answer to a kind's command, in the forms of HAProxy 2.4 to 3.4. Pure. */
export function parseListing(tag: ListedFile["tag"], answer: string): ListedFile[] {
  if (/^Unknown command/m.test(answer)) return [];
  const lines = answer.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  // What begins with a star is a transaction that somebody has open.
  return lines.filter((line) => !line.startsWith("*")).flatMap((line) => parseLine(tag, line));
}

const LISTS = [
  { tag: "certificate", command: "show ssl cert" },
  { tag: "ca_file", command: "show ssl ca-file" },
  { tag: "crl_file", command: "show ssl crl-file" },
  { tag: "certificate_list", command: "show ssl crt-list" },
  { tag: "map", command: "show map" },
  { tag: "acl", command: "show acl" },
  { tag: "ticket_keys", command: "show tls-keys" },
] as const;

function parseLine(tag: ListedFile["tag"], line: string): ListedFile[] {
  switch (tag) {
    case "certificate":
    case "crl_file":
    case "certificate_list":
      return [{ tag, name: line }];
    case "ca_file": {
      const name = line.replace(/ - \d+ certificate\(s\)$/, "");
      return name.startsWith("@") ? [] : [{ tag, name }];
    }
    case "ticket_keys": {
      const name = /^\d+ \((.+)\)$/.exec(line)?.[1];
      return name === undefined ? [] : [{ tag, name }];
    }
    case "map":
    case "acl":
      return parsePatterns(tag, line);
    default:
      return tag satisfies never;
  }
}

/** Those without a name stand in the configuration itself, and a `virt@` one is no file. */
function parsePatterns(tag: "map" | "acl", line: string): ListedFile[] {
  const [, id, name] = /^(\d+) \((.+?)\) pattern loaded from file '/.exec(line) ?? [];
  if (name === undefined || name.startsWith("virt@")) return [];
  return [{ tag, name, id: Number(id) }];
}
