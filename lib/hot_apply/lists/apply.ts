/** Gives a running process other lines in a certificate list: all of them or none, and reads back that it has them. */
import { listedName, type ListLine } from "../../config/list_lines.ts";
import {
  addLine,
  deleteCertificate,
  deleteFromList,
  showLines,
  type ShownLine,
} from "../../haproxy/runtime/certificate_lists.ts";
import type { Ask } from "../../haproxy/runtime/client.ts";
import { type Lines, shownSpelling, shownSpellings } from "./plan.ts";

export interface Steps extends Lines {
  /** As the Runtime API names the list. */
  readonly list: string;
  /** `crt-base`. */
  readonly base: string | null;
  readonly additions: readonly Addition[];
  readonly removed: readonly ListLine[];
  /** The certificates that no line is for any more, by HAProxy's names. */
  readonly released: readonly string[];
}

export interface Addition {
  readonly name: string;
  readonly line: string;
  /** Gives the process the certificate as well; `null` if it has it. */
  readonly giveNew: ((ask: Ask) => Promise<Given>) | null;
}

type Given =
  | { readonly tag: "applied" }
  | { readonly tag: "refused" | "impossible" | "unconfirmed"; readonly reason: string };

export type LinesApplied =
  | {
    readonly tag: "applied";
    /** The certificates that HAProxy no longer has. */
    readonly deleted: readonly string[];
  }
  /** The process has what it had before. */
  | { readonly tag: "impossible"; readonly reason: string }
  /** Nobody knows which lines the process has. */
  | { readonly tag: "unconfirmed"; readonly reason: string };

/** New lines come before old ones go, so that a name that moves from one to another is always served. */
export async function applyLines(steps: Steps, ask: Ask): Promise<LinesApplied> {
  const { list, additions, released } = steps;
  if (!isAs(steps, "before", await showLines(ask, list))) return impossible(SHOWS_OTHERS);
  const done: Addition[] = [];
  for (const addition of additions) {
    const { line, giveNew } = addition;
    const result = await giveNew?.(ask);
    if (result?.tag === "unconfirmed") return unconfirmed(result.reason);
    // One that could not be given was taken back.
    if (result !== undefined && result.tag !== "applied") {
      return await undo(result.reason, { steps, done, ask });
    }
    done.push(addition);
    const failure = giveNew === null ? await addLine(ask, list, line) : null;
    if (failure !== null) return await undo(failure, { steps, done, ask });
  }
  const failure = await removeLines(steps, ask);
  if (failure !== null) return await undo(failure, { steps, done, ask });
  const deleted: string[] = [];
  for (const name of released) {
    const refusal = await deleteCertificate(ask, name);
    if (refusal === null) deleted.push(name);
    // Something else than the list has it, and a new process would have it too.
    else if (!refusal.includes("in use, can't be deleted")) return unconfirmed(refusal);
  }
  return isAs(steps, "after", await showLines(ask, list))
    ? { tag: "applied", deleted }
    : unconfirmed(SHOWS_OTHERS);
}

const SHOWS_OTHERS = "HAProxy shows other lines than those that it should have";

const impossible = (reason: string): LinesApplied => ({ tag: "impossible", reason });
const unconfirmed = (reason: string): LinesApplied => ({ tag: "unconfirmed", reason });

/** `null`, or why the first that could not be removed was not. */
async function removeLines({ list, base, removed }: Steps, ask: Ask): Promise<string | null> {
  for (const line of removed) {
    const name = listedName(line, base);
    const [found, ...others] = linesLike(shownSpelling(name, line), await showLines(ask, list));
    if (found === undefined || others.length > 0) return SHOWS_OTHERS;
    const refusal = await deleteFromList(ask, list, name, found.number);
    if (refusal !== null) return refusal;
  }
  return null;
}

interface Work {
  readonly steps: Steps;
  readonly done: readonly Addition[];
  readonly ask: Ask;
}

/** Takes new lines back. One that is gone would return behind all others, which a reload puts right. */
async function undo(reason: string, { steps, done, ask }: Work): Promise<LinesApplied> {
  const { list, before, base } = steps;
  const old = new Set(shownSpellings(before, base));
  for (const { name, giveNew } of done.toReversed()) {
    const own = (await showLines(ask, list) ?? []).findLast((shown) =>
      shown.name === name && !old.has(shownSpelling(name, shown))
    );
    if (own !== undefined) await deleteFromList(ask, list, name, own.number);
    if (giveNew !== null) await deleteCertificate(ask, name);
  }
  return isAs(steps, "before", await showLines(ask, list))
    ? impossible(reason)
    : unconfirmed(reason);
}

const linesLike = (spelling: string, shown: readonly ShownLine[] | null) =>
  (shown ?? []).filter((line) => shownSpelling(line.name, line) === spelling);

/** Whether those are the lines from then, in whatever order. */
function isAs(
  steps: Pick<Steps, "before" | "after" | "base">,
  when: keyof Lines,
  shown: readonly ShownLine[] | null,
): boolean {
  const wanted = shownSpellings(steps[when], steps.base).sort();
  const found = shown?.map((line) => shownSpelling(line.name, line)).sort();
  return found?.join("\n") === wanted.join("\n");
}
