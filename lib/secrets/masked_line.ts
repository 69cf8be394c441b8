/**
 * Masks what may be secret in lines of HAProxy's configuration. It shows HAProxy's own keywords, names where a keyword
 * expects them, numbers and addresses. It masks what follows a keyword that takes secrets, and the first unknown word
 * with everything after it: lines are not understood, only what is known to be harmless is shown. Pure.
 */
import { readPlacedConfiguration } from "../config/tokens.ts";
import { type Behind, type Keywords, vocabulary } from "./vocabulary.ts";

export const MASK = "***";

/** Lines `first` to `last`, counted from 1. A line that continues the one above is masked completely. */
export function maskedLines(
  text: string,
  { first, last }: { readonly first: number; readonly last: number },
): readonly string[] {
  const shown: string[] = [];
  let open: Open = null;
  for (const [index, line] of text.split("\n", last).entries()) {
    if (isHeader(line)) open = null;
    const hidden = line.trim() === "" ? "" : `${/^[ \t]*/.exec(line)![0]}${MASK}`;
    if (index + 1 >= first) shown.push(open === null ? maskedLine(line) : hidden);
    open = openAfter(line, open);
  }
  return shown;
}

/** Comments are masked too. */
export function maskedLine(line: string): string {
  let shown = "";
  let end = 0;
  let now: Expected = { names: 0, then: "first", isBraced: false };
  for (const word of wordsOf(line)) {
    const gap = line.slice(end, word.start);
    const read = gap.trim() === "" ? next(word, now) : null;
    const text = read?.text ?? MASK;
    if (text !== MASK || !shown.endsWith(MASK)) shown += gap.replace(/[^\t ]/g, " ") + text;
    if (read === null) return shown;
    [now, end] = [read.now, word.end];
  }
  const [, blanks = "", rest] = /^(\s*)(.*?)\s*$/s.exec(line.slice(end))!;
  if (rest === "" || rest === "#") return shown + (rest && blanks.replace(/[^\t ]/g, " ") + rest);
  return `${shown}${blanks.replace(/[^\t ]/g, " ")}${rest!.startsWith("#") ? "# " : ""}${MASK}`;
}

/** `pattern`: what an address or a count is compared with. `hidden`: masked, up to a brace. */
interface Expected {
  readonly names: number;
  readonly then: Behind["then"] | "first" | "pattern" | "hidden";
  readonly isBraced: boolean;
}

const SECRETS_BEHIND: Behind = { names: 0, then: "secrets" };
const SECRETS: Expected = { ...SECRETS_BEHIND, isBraced: false };
const CONDITION: Expected = { names: Infinity, then: "words", isBraced: false };

interface Shown {
  readonly text: string;
  /** What is expected after the word. */
  readonly now: Expected;
}

/** `null`: mask the word and everything after it. */
function next({ raw, meaning }: Word, now: Expected): Shown | null {
  const { names, then, isBraced } = now;
  if (meaning === null) return null;
  if (then === "secrets") {
    const isShown = names > 0 && OWNER.test(meaning);
    return isShown ? { text: raw, now: { ...now, names: names - 1 } } : null;
  }
  if (meaning === "}" && isBraced && then !== "sample") return { text: raw, now: CONDITION };
  if (then === "hidden") return { text: MASK, now };
  const known = knownWord(meaning, then === "first");
  const text = known?.text === meaning ? raw : known?.text ?? raw;
  if (then !== "sample" || names > 0) return nextOther({ raw, meaning, known, text }, now);
  if (known === null) return null;
  return { text, now: COMPARABLE.test(meaning) ? { ...now, then: "pattern" } : hiddenAfter(now) };
}

interface ReadWord {
  readonly raw: string;
  readonly meaning: string;
  readonly known: KnownWord | null;
  /** What is shown of it if it is harmless. */
  readonly text: string;
}

function nextOther({ raw, meaning, known, text }: ReadWord, now: Expected): Shown | null {
  const { names, then } = now;
  // A keyword that takes secrets does so even where a name is expected.
  if (known?.then === "secrets" && !text.endsWith(MASK)) {
    return { text, now: { ...SECRETS, names: names > 0 ? 0 : known.names } };
  }
  const mayBeName = names > 0 && !(then === "words" && /^(?:if|unless|!?\{)$/.test(meaning));
  if (mayBeName && NAME.test(meaning)) return { text: raw, now: { ...now, names: names - 1 } };
  if (known !== null) {
    if (then === "pattern") return { text, now: { ...now, names: meaning === "-f" ? 1 : 0 } };
    return { text, now: { ...known, isBraced: meaning.endsWith("{") } };
  }
  if (then !== "first" && isLiteral(meaning)) return { text: raw, now: { ...now, names: 0 } };
  if (then === "pattern") return { text: MASK, now: hiddenAfter(now) };
  const { first, all } = vocabulary();
  return isSlip(raw, then === "first" ? first : all) ? { text: raw, now: SECRETS } : null;
}

const hiddenAfter = (now: Expected): Expected =>
  now.isBraced ? { ...now, then: "hidden" } : SECRETS;

/** Or an address, a path, or several. */
export const NAME =
  /^(?:(?:ipv[46]|(?:udp|tcp|quic|mptcp)[46]?|unix|uxst|uxdg|abnsz?|fd|sockpair|ring|rhttp|rev|file|opt|optfile|virt)@)*[@!]?(?:[\w.:\/*,[\]+~-]|:!){1,512}$/;
/** The name of a header, a variable or a file that holds a secret. */
const OWNER = /^[\w\/][\w.\/-]{0,100}$/;
/** With or without a unit; also a range or a mask. */
const NUMBER = /^[+-]?\d{1,12}(?:\.\d{1,6})?(?:[-:,]\d{1,10}){0,20}[A-Za-z%]{0,3}$/;
const ADDRESS =
  /^(?:\*|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:]{2,39}\]|[\da-f]{0,4}(?::[\da-f]{0,4}){2,7})?(?::\d{1,5}(?:-\d{1,5})?)?(?:\/\d{1,3})?$/i;

export const isLiteral = (word: string) => word !== "" && (NUMBER.test(word) || ADDRESS.test(word));

/** Samples whose value is only an address or a count. */
const COMPARABLE =
  /^(?:(?:fc_|bc_)?(?:src|dst)|[\w.]*(?:_cnt|_cur|_rate|_port|_len|_conn|_type|_ver|nbsrv|connslots|queue|status)(?:\([^()]*\))?)$/;

type KnownWord = Behind & { readonly text: string };

/** One family of keywords is too large to list. */
const behindOf = (word: string): Behind | undefined =>
  TUNING.test(word) ? { names: 0, then: "words" } : vocabulary().all.get(word);
const TUNING = /^tune(?:\.[a-z][a-z\d_-]{0,30}){1,6}$/;

/** A keyword, or a fetch and its converters without their arguments; from the first unknown one on all is masked. */
export function knownWord(word: string, isFirst = false): KnownWord | null {
  if (isFirst && !TUNING.test(word)) {
    const behind = vocabulary().first.get(word);
    return behind === undefined ? null : { ...behind, text: word };
  }
  const [, content] = /^%\[(.*)\]$/s.exec(word) ?? [];
  if (content !== undefined) {
    const known = knownWord(content);
    return known && { names: 0, then: known.then, text: `%[${known.text}]` };
  }
  let text = "";
  let first: Behind | null = null;
  for (let rest = word; rest !== "";) {
    const [step = "", name = "", argument] = STEP.exec(rest) ?? [];
    const behind = LUA.test(name) ? SECRETS_BEHIND : behindOf(name);
    if (behind === undefined) return first && { ...SECRETS_BEHIND, text: text + MASK };
    first ??= argument === undefined ? behind : { ...behind, names: 0 };
    text += argument === undefined || TAKES_VARIABLE.test(step)
      ? step
      : step.replace(argument, `(${MASK})`);
    rest = rest.slice(step.length);
  }
  return first && { ...first, text };
}

const STEP = /^([^\s,()"'\\]+)(\([^()"'\\]*\))?(?:,|$)/;
const TAKES_VARIABLE =
  /^(?:un)?(?:set-)?var(?:-fmt)?\((?:proc|sess|txn|req|res|check)\.[A-Za-z_]\w{0,60}\)/;
/** Functions in Lua scripts. */
const LUA = /^lua\.[A-Za-z_]\w{0,60}$/;

/** Whether `word` is a keyword but for one wrong, missing, extra or swapped letter. */
export function isSlip(word: string, keywords: Keywords): boolean {
  if (!/^[A-Za-z][\w.-]{3,40}$/.test(word)) return false;
  return keywords.keys().some((keyword) => {
    if (Math.abs(keyword.length - word.length) > 1) return false;
    let [start, end] = [0, 0];
    while (start < word.length && word[start] === keyword[start]) start++;
    const most = Math.min(word.length, keyword.length) - start;
    while (end < most && word.at(-1 - end) === keyword.at(-1 - end)) end++;
    const [a, b] = [
      word.slice(start, word.length - end),
      keyword.slice(start, keyword.length - end),
    ];
    return Math.max(a.length, b.length) < 2 || (a.length === 2 && a === `${b[1]}${b[0]}`);
  });
}

interface Word {
  readonly start: number;
  readonly end: number;
  /** As written. */
  readonly raw: string;
  /** Without quotes and escapes, `0` for each variable; `null`: several words, or an open quote. */
  readonly meaning: string | null;
}

function wordsOf(line: string): readonly Word[] {
  const words = new Map<number, Word>();
  const [read] = readPlacedConfiguration(line, variablesOf(line)).lines;
  read?.spans.forEach(({ offset: start, length }, index) => {
    const raw = line.slice(start, start + length);
    const isOne = !words.has(start) && COMPLETE.exec(raw)![0] === raw;
    words.set(start, {
      start,
      end: start + length,
      raw,
      meaning: isOne ? read.words[index]! : null,
    });
  });
  return [...words.values()];
}

const VARIABLE = /\$(?:\{(\.?[A-Za-z_]\w*)(?:\[\*\])?(-)?|(\.?[A-Za-z_]\w*))/g;

/** A harmless value for each variable, except for one with a default, which must not be shown. */
function variablesOf(line: string): Record<string, string> {
  const all = [...line.matchAll(VARIABLE)].map(([, braced, dash, bare]) => [braced ?? bare, dash]);
  const byDefault = new Set(all.flatMap(([name, dash]) => dash === undefined ? [] : [name]));
  const others = all.flatMap(([name]) => byDefault.has(name) ? [] : [name!]);
  return Object.fromEntries(others.map((name) => [name, "0"]));
}

/** The quote or backslash that a line leaves open. It means nothing to HAProxy, but perhaps to its author. */
type Open = '"' | "'" | "\\" | null;

/** All before an open quote or a comment. */
const COMPLETE = /^(?:[^"'\\#]|\\[^]|"(?:[^"\\]|\\[^])*"|'[^']*')*/;

function openAfter(line: string, before: Open): Open {
  if (!/["'\\]/.test(line)) return before === "\\" ? null : before;
  if (before === '"' || before === "'") {
    const end = line.indexOf(before);
    return end < 0 ? before : openAfter(line.slice(end + 1), null);
  }
  const text = line.trimEnd();
  const rest = text.slice(COMPLETE.exec(text)![0].length);
  return rest.startsWith("#") || rest === "" ? null : rest[0] as Open;
}

/** A new section, whatever the lines above left open. */
function isHeader(line: string): boolean {
  const [, word = ""] = /^([a-z-]+)(?:\s+[\w.:-]+)*\s*$/.exec(line) ?? [];
  return vocabulary().sections.has(word);
}
