/** Preloaded by tests: makes Deno's own functions throw as long as a file named after the bug exists. */
import { isThere } from "../../support/machine/files.ts";

function inject(bug: string): void {
  if (isThere(`bugs/${bug}`)) throw new TypeError(`an injected bug in the ${bug}`);
}

/** Only the handoff joins words and variables into one text. */
const { stringify } = JSON;
JSON.stringify = ((...args: readonly unknown[]) => {
  const [value] = args;
  if (Array.isArray(value) && Array.isArray(value[0])) inject("handoff");
  return Reflect.apply(stringify, JSON, args);
}) as typeof stringify;

/** Scans and hot applies, which take digests. */
const { digest } = crypto.subtle;
crypto.subtle.digest = (...args) => {
  inject("scan");
  return digest.call(crypto.subtle, ...args);
};

/** Only the status report is built from entries. */
const { fromEntries } = Object;
Object.fromEntries = (entries: Iterable<readonly unknown[]>) => {
  inject("status");
  return fromEntries(entries);
};

/** A promise that nobody awaits. This file must not delay the program. */
const interval = setInterval(() => {
  if (isThere("bugs/background")) {
    Promise.reject(new TypeError("an injected bug in the background"));
  }
}, 20);
Deno.unrefTimer(interval);
