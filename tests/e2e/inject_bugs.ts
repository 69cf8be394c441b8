/** Preloaded by tests: makes Deno's own functions throw what nobody expects, as long as a file named after the bug is there. */
import { isThere } from "../support/files.ts";

function inject(bug: string): void {
  if (isThere(`bugs/${bug}`)) throw new TypeError(`an injected bug in the ${bug}`);
}

/** Only the handoff makes one text of words and variables. */
const { stringify } = JSON;
JSON.stringify = ((...args: readonly unknown[]) => {
  const [value] = args;
  if (Array.isArray(value) && Array.isArray(value[0])) inject("handoff");
  return Reflect.apply(stringify, JSON, args);
}) as typeof stringify;

/** A scan, which takes the digest of what it finds, and a hot apply. */
const { digest } = crypto.subtle;
crypto.subtle.digest = (...args) => {
  inject("scan");
  return digest.call(crypto.subtle, ...args);
};

/** Of everything that the status tells, only the report has a time of the start. */
const { fromEntries } = Object;
Object.fromEntries = (entries: Iterable<readonly unknown[]>) => {
  inject("status");
  return fromEntries(entries);
};

/** What nobody waits for. The program itself is not begun before all else is done. */
const interval = setInterval(() => {
  if (isThere("bugs/background")) {
    Promise.reject(new TypeError("an injected bug in the background"));
  }
}, 20);
Deno.unrefTimer(interval);
