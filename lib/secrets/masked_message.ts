/**
 * Masks what may be secret in HAProxy's messages. It shows HAProxy's own words and keywords, places, and names, addresses
 * and files where a message says that they are such. Whatever else it quotes from a configuration is masked. Pure.
 */
import { isLiteral, isSlip, knownWord, MASK, maskedLine, NAME } from "./masked_line.ts";
import { isOwnWord, vocabulary } from "./vocabulary.ts";

/** Masks one line of an alert or an answer. */
export function maskedMessage(message: string): string {
  const [prefix] = PREFIX.exec(message)!;
  let shown = prefix;
  for (const { 0: token, groups = {} } of message.slice(prefix.length).matchAll(TOKEN)) {
    const { plain, quote, quoted, pointed, word } = groups;
    let text = plain ?? MASK;
    if (quoted !== undefined) text = `${quote}${maskedQuote(quoted, shown)}${quote}`;
    else if (pointed !== undefined) {
      text = isOwnWord(pointed) ? token : `<${maskedQuote(pointed, shown)}>`;
    } else if (word !== undefined) text = isHarmless(word, shown) ? token : MASK;
    // An open quote.
    else if (plain === undefined) return `${shown}${MASK}`;
    if (!shown.endsWith(`${MASK} `) || (text !== MASK && text.trim() !== "")) shown += text;
  }
  return shown.trimEnd();
}

/** `[ALERT]    (123) : `; HAProxy 2.4 adds the time. */
const PREFIX = /^(?:\[[A-Z]+\]\s*(?:[\d/]+ )?\(\d+\) : |\s+\| ?)?/;

/** Places, addresses and blanks; quotes; words. */
const TOKEN = new RegExp(
  [
    /(?<plain>(?<=arsing )\[[^\]:\n]+:\d+\]|\[[\w.\/+,~-]*(?:\/|\.cfg)[\w.\/+,~-]*:\d+\]|\[\/[\w.\/+,~-]+\]|\[(?:[\d.]+|[\da-f:]+|\*)?:\d+\]|\s+|[<>]=?(?=\s))/,
    /(?<![A-Za-z\d])(?<quote>['"])(?<quoted>.*?)\k<quote>(?![A-Za-z\d])/,
    /<(?<pointed>[^<>]*)>/,
    /(?<word>(?:[^\s'"<>[]|\[(?!\S*:\d+\]))+(?:'[a-z]{1,2}\b)?)/,
    /['"<>[]/,
  ].map(({ source }) => source).join("|"),
  "g",
);

/** What the words before a quote say about it. */
const NAMED =
  /\b(?:backend|frontend|listen|proxy|server|named|section|userlist|peers|resolvers|table|group|user|acl|cache|fcgi-app|default_backend|use_backend|mailers|ring|address|bind|specification in)[ :]*$/i;
const FILED = /\b(?:file|filename|path|directory|open|load|stat|loaded|certificates?)[ :]*$/i;
const NUMBERED = /\b(?:port|code)[ :]*$/i;
const UNKNOWN =
  /\bunknown (?:\w+ )?(?:keyword|method|option|converter|mode|type|event|statement)\b[ :]*$/i;
/** What HAProxy names as the subject of a message. */
const SUBJECT = /^(?:bind|mailer|nameserver|peer|server|source) \S+$/;

function maskedQuote(content: string, before: string): string {
  const isHarmless = /^[^A-Za-z\d\s]{0,3}$/.test(content) ||
    (NAMED.test(before) && NAME.test(content)) ||
    (NUMBERED.test(before) && isLiteral(content)) ||
    (FILED.test(before) && isPath(content)) ||
    (UNKNOWN.test(before) && isSlip(content, vocabulary().all));
  if (isHarmless) return content;
  if (/\[\S+:\d+\] ?: $/.test(before) && SUBJECT.test(content)) return maskedLine(content);
  return maskedWords(content);
}

/** Keywords, up to the first word that is not one. */
function maskedWords(content: string): string {
  const shown: string[] = [];
  for (const word of content.split(" ")) {
    const known = knownWord(word);
    shown.push(known?.text ?? MASK);
    if (known === null || known.text.endsWith(MASK)) break;
  }
  return shown.join(" ");
}

const isPath = (word: string) => /[./]/.test(word) && NAME.test(word);

/** What precedes HAProxy's own numbers, and never a value. */
const COUNTED =
  /(?:\b(?:line|position|between|and|args?|exactly|of|or|than|most|least|to|within)|[<>]=?|\b\d+,) $|\($/;

/** Whether an unquoted word is HAProxy's own. */
function isHarmless(token: string, before: string): boolean {
  const [, word = ""] = /^[(]*(.*?)[).,:;?!]*$/.exec(token)!;
  if (/^\d+$/.test(word)) return COUNTED.test(before);
  if (/^(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?$/.test(word)) return true;
  if (/^\/[\w.\/+,~-]+(?::\d+)?$/.test(word)) {
    return /^$|\b(?:at|in|file|open|load|from|certificates?) $/i.test(before);
  }
  if (/\b(?:backend|frontend|listen|proxy|server) $/i.test(before) && NAME.test(word)) return true;
  // As in `comma-delimited`, `and/or` and `don't`.
  const parts = word.replace(/'[a-z]{1,2}$/, "").split(/[-/=]/);
  return word === "" || vocabulary().all.has(word) || parts.every(isOwnWord);
}
