import assert from "node:assert/strict";
import { type CommandLine, splitCommandLine } from "../../../lib/settings/command_line.ts";

/** The split line, with the flags as an object. */
type Line = Omit<CommandLine, "own"> & { readonly own: Record<string, readonly string[]> };

const SPLIT: Readonly<Record<string, { words: string[]; line: Partial<Line> }>> = {
  "no words are needed": { words: [], line: {} },
  "words with one dash go to HAProxy": {
    words: ["-f", "a.cfg", "-dM"],
    line: { haproxyWords: ["-f", "a.cfg", "-dM"] },
  },
  "own flags may stand before, between and after HAProxy's": {
    words: ["--check", "-f", "a", "--log-level", "debug", "-V", "--socket=/s"],
    line: {
      own: { check: ["true"], "log-level": ["debug"], socket: ["/s"] },
      haproxyWords: ["-f", "a", "-V"],
    },
  },
  "a leading haproxy is dropped": {
    words: ["--check", "haproxy", "-f", "haproxy"],
    line: { own: { check: ["true"] }, haproxyWords: ["-f", "haproxy"] },
  },
  "a haproxy after the entrypoint's own words is dropped": {
    words: ["-f", "a.cfg", "haproxy", "-dM"],
    line: { haproxyWords: ["-f", "a.cfg", "-dM"] },
  },
  "a haproxy with its directory is dropped": {
    words: ["-f", "a.cfg", "/usr/local/sbin/haproxy", "-f", "/usr/sbin/haproxy"],
    line: { haproxyWords: ["-f", "a.cfg", "-f", "/usr/sbin/haproxy"] },
  },
  "a word after -dt belongs to it, a flag does not": {
    words: ["-dt", "h1", "-dt", "--check"],
    line: { own: { check: ["true"] }, haproxyWords: ["-dt", "h1", "-dt"] },
  },
  "every word after -- is HAProxy's": {
    words: ["--", "--check", "--nonsense"],
    line: { haproxyWords: ["--", "--check", "--nonsense"] },
  },
  "the value of HAProxy's flag may look like an own flag": {
    words: ["-f", "--check", "-C", "--"],
    line: { haproxyWords: ["-f", "--check", "-C", "--"] },
  },
  "the values of a repeated flag keep their order": {
    words: ["--socket=/a", "--socket", "/b"],
    line: { own: { socket: ["/a", "/b"] } },
  },
  "a value may hold an equals sign and line breaks": {
    words: ["--socket=a=b\nc"],
    line: { own: { socket: ["a=b\nc"] } },
  },
  "a switch is on when it is given": {
    words: ["--no-reload", "--help", "--version"],
    line: { own: { "no-reload": ["true"], help: ["true"], version: ["true"] } },
  },
  "a switch takes no value": {
    words: ["--check=yes"],
    line: { problems: ['"--check=yes": "--check" takes no value'] },
  },
  "a flag at the end wants its value": {
    words: ["--socket"],
    line: { problems: ['"--socket" wants a value, found none'] },
  },
  "an empty value counts as missing": {
    words: ["--socket=", "--watch", ""],
    line: {
      problems: ['"--socket" wants a value, found none', '"--watch" wants a value, found none'],
    },
  },
  "an unknown flag suggests the nearest known one": {
    words: ["--sockte=/s", "--logformat"],
    line: {
      problems: [
        'unknown flag "--sockte"; did you mean "--socket"?',
        'unknown flag "--logformat"; did you mean "--log-format"?',
      ],
    },
  },
  "a flag that resembles none gets no suggestion": {
    words: ["--master-worker-mode"],
    line: { problems: ['unknown flag "--master-worker-mode"'] },
  },
};

for (const [behaviour, { words, line }] of Object.entries(SPLIT)) {
  Deno.test(`command line: ${behaviour}`, () => {
    const { own, ...rest } = splitCommandLine(words);
    const nothing: Line = { own: {}, haproxyWords: [], problems: [] };
    assert.deepEqual({ own: Object.fromEntries(own), ...rest }, { ...nothing, ...line });
  });
}
