/** Finds the converters in a word of a configuration that load a file. Pure. */
import { unescaped } from "./configuration_words.ts";

export interface Converter {
  readonly keyword: string;
  /** As written. */
  readonly file: string;
}

/** The maps and the keys that the sample expressions in `word` name. */
export function findConverters(word: string): Converter[] {
  return [...word.matchAll(CONVERTER)].flatMap(({ index, 0: { length }, 1: keyword = "" }) => {
    const [first, second] = readArguments(word, index + length);
    if (keyword !== "jwt_verify") return [{ keyword, file: first }];
    return second !== undefined && isKeyFile(first, second) ? [{ keyword, file: second }] : [];
  });
}

/** A converter stands behind a comma; actions like `set-map(FILE)`, which only name a map, do not. */
const CONVERTER = /,\s*(map(?:_[a-z]+){0,2}|jwt_verify)\(/g;
const ARGUMENT = /"((?:[^"\\]|\\.?)*)"?|'([^']*)'?|((?:[^"',)\\]|\\[ "'\\nrt]?)+)/y;
/** The first two arguments from `start` on, which have quotes of their own. */
function readArguments(text: string, start: number): [string, string?] {
  const [first, end] = readArgument(text, start);
  return text[end] === "," ? [first, readArgument(text, end + 1)[0]] : [first];
}

function readArgument(text: string, start: number): [text: string, end: number] {
  let [argument, end] = ["", start];
  ARGUMENT.lastIndex = start;
  for (let match = ARGUMENT.exec(text); match !== null; match = ARGUMENT.exec(text)) {
    const [, weak, strong, plain] = match;
    argument += strong ?? unescaped((weak ?? plain)!);
    end = ARGUMENT.lastIndex;
  }
  return [argument, end];
}

/** With another algorithm the second argument may be a secret or a variable, which is not to be shown. */
function isKeyFile(algorithm: string, key: string): boolean {
  if (/^HS\d/i.test(algorithm)) return false;
  if (/^(?:proc|sess|txn|req|res|check)\./.test(key)) return false;
  return /^(?:[REP]S)\d/i.test(algorithm) || key.startsWith("/");
}
