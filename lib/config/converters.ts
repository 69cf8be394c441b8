/** Finds the converters in a configuration word that load files. Pure. */
import { type Span, unescaped } from "./tokens.ts";

export interface Converter {
  readonly keyword: string;
  /** As written, without its quotes. */
  readonly file: string;
  /** Where it stands in the word, with its quotes. */
  readonly span: Span;
}

/** The maps and the keys that the sample expressions in `word` name. */
export function findConverters(word: string): Converter[] {
  return [...word.matchAll(CONVERTER)].flatMap(({ index, 0: { length }, 1: keyword = "" }) => {
    const [first, second] = readArguments(word, index + length);
    if (keyword !== "jwt_verify") return [{ keyword, ...first }];
    return second !== null && isKeyFile(first.file, second.file) ? [{ keyword, ...second }] : [];
  });
}

/** Writes `argument` so that a converter reads exactly that. */
export function quotedArgument(argument: string): string {
  return PLAIN_ARGUMENT.test(argument) ? argument : `"${argument.replace(/["\\]/g, "\\$&")}"`;
}

const PLAIN_ARGUMENT = /^[\w./@%+:=~-]+$/;

/** Converters follow a comma; actions like `set-map(FILE)`, which load nothing, do not. */
const CONVERTER = /,\s*(map(?:_[a-z]+){0,2}|jwt_verify)\(/g;
const ARGUMENT = /"((?:[^"\\]|\\.?)*)"?|'([^']*)'?|((?:[^"',)\\]|\\[ "'\\nrt]?)+)/y;

type Argument = Omit<Converter, "keyword">;

/** The first two arguments from `start` on, which may be quoted. */
function readArguments(text: string, start: number): [Argument, Argument | null] {
  const first = readArgument(text, start);
  const end = start + first.span.length;
  return [first, text[end] === "," ? readArgument(text, end + 1) : null];
}

function readArgument(text: string, offset: number): Argument {
  let [file, end] = ["", offset];
  ARGUMENT.lastIndex = offset;
  for (let match = ARGUMENT.exec(text); match !== null; match = ARGUMENT.exec(text)) {
    const [, weak, strong, plain] = match;
    file += strong ?? unescaped((weak ?? plain)!);
    end = ARGUMENT.lastIndex;
  }
  return { file, span: { offset, length: end - offset } };
}

/** With another algorithm the second argument may be a secret or a variable. */
function isKeyFile(algorithm: string, key: string): boolean {
  if (/^HS\d/i.test(algorithm)) return false;
  if (/^(?:proc|sess|txn|req|res|check)\./.test(key)) return false;
  return /^(?:[REP]S)\d/i.test(algorithm) || key.startsWith("/");
}
