/** Decides how the `maxconn` of a frontend changes in a running process. Pure. */
import { begins, type ServerSection } from "../../config/server_lines.ts";
import type { Difference, Obstacle } from "./server_change.ts";

/** The `maxconn` of a `frontend` or `listen` section. */
export interface MaxconnChange extends Difference<number> {
  readonly frontend: string;
}

/** `null`: both say the same. */
export function changedMaxconn(
  old: ServerSection,
  next: ServerSection,
): MaxconnChange | Obstacle | null {
  const [before, after] = [linesOf(old), linesOf(next)];
  if (before.join("\n") === after.join("\n")) return null;
  if (next.kind !== "frontend" && next.kind !== "listen") return "maxconn changed";
  const [from, to] = [limitIn(before), limitIn(after)];
  if (from === null || to === null) return "maxconn is not one plain number before and after";
  return from === to ? null : { frontend: next.name, from, to };
}

const linesOf = ({ lines }: ServerSection) => lines.filter((line) => begins(line, "maxconn"));

/** 0 would stand for another limit. */
function limitIn([line, ...others]: readonly string[]): number | null {
  const [, digits] = /^maxconn[ \t]+([1-9]\d{0,8})[ \t]*(?:#.*)?$/.exec(line ?? "") ?? [];
  return digits === undefined || others.length > 0 ? null : Number(digits);
}
