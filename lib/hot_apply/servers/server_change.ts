/** Decides how one server changes in a running process, by its line before and after. Pure. */
import {
  type Address,
  fixedOptions,
  literalAddress,
  type Option,
  readDefaults,
  readServer,
  type Server,
  type Values,
  valuesOf,
} from "../../config/server_words.ts";

import { unfitOption } from "./added_words.ts";

export type ServerChange = Changed | Added | Removed;

export interface Changed extends ServerName {
  readonly tag: "changed";
  /** What the files say now, changed or not. */
  readonly values: Values;
  readonly isChecked: boolean;
  readonly address: Difference<Address> | null;
  readonly weight: Difference<number> | null;
  readonly maxconn: Difference<number> | null;
  readonly isDisabled: Difference<boolean> | null;
}

export interface Added extends ServerName {
  readonly tag: "added";
  readonly address: Address;
  /** As they follow the address in the command. */
  readonly words: readonly string[];
  readonly values: Values;
  readonly isChecked: boolean;
  readonly hasAgent: boolean;
}

export interface Removed extends ServerName {
  readonly tag: "removed";
}

export interface ServerName {
  readonly backend: string;
  readonly server: string;
}

export const nameOf = ({ backend, server }: ServerName) => `${backend}/${server}`;

export interface Difference<Value> {
  readonly from: Value;
  readonly to: Value;
}

/** Why only a reload will do, as a clause about the server. */
export type Obstacle = string;

/** What the configuration says of a server. */
export interface ServerEntry {
  readonly line: string;
  /** The `default-server` lines that count for it, in their order. */
  readonly defaults: string;
}

/** `null`: both mean the same. */
export function changedServer(
  name: ServerName,
  old: ServerEntry,
  next: ServerEntry,
): Changed | Obstacle | null {
  const [before, after] = [serverOf(old), serverOf(next)];
  if (before === null || after === null) return UNKNOWN;
  const [from, to] = [valuesOf(before), valuesOf(after)];
  if (from === null || to === null) return NOT_PLAIN;
  if (JSON.stringify(fixedOptions(before)) !== JSON.stringify(fixedOptions(after))) {
    return "changed in more than its address, weight, maxconn or being disabled";
  }
  const address = before.address === after.address ? null : addressesOf(before, after);
  if (typeof address === "string") return address;
  const change: Changed = {
    tag: "changed",
    ...name,
    address,
    values: to,
    isChecked: has(after, "check"),
    weight: difference(from.weight, to.weight),
    maxconn: difference(from.maxconn, to.maxconn),
    isDisabled: difference(from.isDisabled, to.isDisabled),
  };
  return obstacleTo(change, after) ?? (isEmpty(change) ? null : change);
}

/** `backend`: where the server is new. */
export function addedServer(backend: string, entry: ServerEntry): Added | Obstacle {
  const server = serverOf(entry);
  if (server === null) return UNKNOWN;
  const [address, values] = [literalAddress(server.address), valuesOf(server)];
  if (address === null) return "is new, and its address is not a literal one with a port";
  if (values === null) return NOT_PLAIN;
  const unfit = unfitOption(server.options);
  if (unfit !== null) return `is new, with "${unfit.join(" ")}"`;
  if (has(server, "agent-check") && !has(server, "agent-port")) return "is new, with no agent-port";
  // HAProxy would check it in spite of that: it pauses checks when a server goes into maintenance.
  if (values.isDisabled && has(server, "check", "agent-check")) {
    return "is new, disabled and checked";
  }
  const words = server.options.filter(([keyword]) => !/^(?:dis|en)abled$/.test(keyword)).flat();
  if (words.length > MOST_WORDS) return "is new, with more words than a command may have";
  return {
    tag: "added",
    backend,
    server: server.name,
    address,
    words,
    values,
    isChecked: has(server, "check"),
    hasAgent: has(server, "agent-check"),
  };
}

/** Why the server cannot be taken away, by its own words; `null` if it can. */
export function obstacleToRemoval(entry: ServerEntry): Obstacle | null {
  const server = serverOf(entry);
  if (server === null) return UNKNOWN;
  if (has(server, "on-marked-down")) return "is gone, which would end its connections";
  // What an agent says counts in maintenance as well, and may end it.
  return has(server, "agent-check") ? "is gone, and its agent could bring it back" : null;
}

const UNKNOWN = "has words whose meaning is not known here";
const NOT_PLAIN = "has a value that is not plain";

/** HAProxy takes 64 words in a command. */
const MOST_WORDS = 50;

function serverOf({ line, defaults }: ServerEntry): Server | null {
  const given: Option[] = [];
  for (const one of defaults === "" ? [] : defaults.split("\n")) {
    const options = readDefaults(one);
    if (options === null) return null;
    given.push(...options);
  }
  return readServer(line, given);
}

function addressesOf(before: Server, after: Server): Difference<Address> | Obstacle {
  const [from, to] = [literalAddress(before.address), literalAddress(after.address)];
  return from === null || to === null
    ? "has another address, and not both are literal ones with a port"
    : { from, to };
}

const difference = <Value>(from: Value, to: Value): Difference<Value> | null =>
  from === to ? null : { from, to };

const isEmpty = ({ address, weight, maxconn, isDisabled }: Changed) =>
  address === null && weight === null && maxconn === null && isDisabled === null;

const has = ({ options }: Server, ...keywords: readonly string[]) =>
  options.some(([keyword]) => keywords.includes(keyword));

/** What goes on beside a value that changes, and would make something else of it. */
function obstacleTo(
  { address, weight, maxconn, isDisabled }: Changed,
  { options }: Server,
): Obstacle | null {
  const changed = [
    // One that was found dead counts as alive where it is now; what an agent said elsewhere would stay.
    ...address === null ? [] : ["agent-check", "hash-key", "track", "on-marked-up", "slowstart"],
    ...weight === null ? [] : ["agent-check"],
    ...maxconn === null ? [] : ["minconn"],
    ...isDisabled === null ? [] : ["slowstart", "track", "on-marked-down", "on-marked-up"],
  ];
  const other = options.find(([keyword]) => changed.includes(keyword));
  return other === undefined ? null : `changed in what "${other[0]}" depends on`;
}
