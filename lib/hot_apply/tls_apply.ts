/** Replaces certificates, CA files and CRLs by a transaction of the Runtime API, which is committed or aborted. */
import { escaped } from "../haproxy/runtime/client.ts";
import type { Ask } from "../haproxy/runtime/asking.ts";
import {
  dateOf,
  type ExaminationOptions,
  examineCertificate,
  type Fit,
  shownFingerprint,
  shownSerial,
} from "./certificate.ts";
import { contentOf, isCertificate, isCrl, type PemBlock, pemBlocks } from "./pem.ts";
import {
  differs,
  impossible,
  quoted,
  type Replacement,
  type TargetOf,
  unconfirmed,
} from "./target_apply.ts";

/** Over its buffer of 16 KB, if `tune.bufsize` says nothing else, HAProxy drops a command. */
const MOST_PAYLOAD_BYTES = 15_500;

/** Gives the process another certificate, with its chain and key. Open TLS connections keep the old one. */
export async function applyCertificate(
  { name }: TargetOf<"certificate">,
  text: string,
  { ask, apply, ...options }: ExaminationOptions & { readonly ask: Ask; readonly apply: boolean },
): Promise<Replacement> {
  const examination = await examineCertificate(text, options);
  if (examination.tag === "unfit") {
    return { ...examination, tag: "refused" };
  }
  if (examination.tag === "unreadable") return impossible(examination.reason);
  if (!apply) return impossible("");
  const { pem, expiresMs } = examination;
  const set = await setCertificate(name, pem, ask);
  if (set !== null) return impossible(set);
  const failure = await commit("cert", name, ask);
  if (failure !== null) {
    return /inconsistencies between private key/.test(failure)
      ? {
        tag: "refused",
        reason: "does not match its private key",
        awaited: "the other of the pair",
        fitFromMs: null,
      }
      : unconfirmed(failure);
  }
  const shown = await ask(`show ssl cert ${escaped(name)}`);
  return shown !== null && isShown(shown, examination)
    ? { tag: "applied", detail: `expires ${dateOf(expiresMs)}` }
    : unconfirmed(differs(shown));
}

/** Gives the process other CA certificates. */
export async function applyCaFile(
  { name }: TargetOf<"ca_file">,
  text: string,
  ask: Ask,
): Promise<Replacement> {
  const all = pemBlocks(text);
  if (all.some(isCrl)) return impossible("it holds a CRL besides");
  const blocks = all.filter(isCertificate);
  const wanted = await fingerprintsOf(blocks);
  if (wanted === null) return impossible("it holds no certificates, or some that cannot be read");
  const before = await ask(`show ssl ca-file ${escaped(name)}`);
  if (before === null) return impossible(quoted(before));
  if (!shownFingerprints(before).isSubsetOf(wanted)) return impossible(SESSIONS);
  const portions = portionsOf(blocks);
  for (const [index, payload] of portions.entries()) {
    // From the second on; HAProxy knows that since 2.8.
    const verb = index === 0 ? "set" : "add";
    const answer = await ask(`${verb} ssl ca-file ${escaped(name)} <<\n${payload}\n`);
    if (!isAccepted(answer, name)) return impossible(await abort("ca-file", name, { ask, answer }));
  }
  const failure = await commit("ca-file", name, ask);
  if (failure !== null) return unconfirmed(failure);
  const shown = await ask(`show ssl ca-file ${escaped(name)}`);
  return shownFingerprints(shown).symmetricDifference(wanted).size === 0
    ? { tag: "applied", detail: counted(wanted.size, "certificate") }
    : unconfirmed(differs(shown));
}

/** Gives the process other lists of revoked certificates. */
export async function applyCrlFile(
  { name }: TargetOf<"crl_file">,
  text: string,
  ask: Ask,
): Promise<Replacement> {
  const blocks = pemBlocks(text).filter(isCrl);
  const payload = blocks.map(({ text }) => text).join("\n");
  const wanted = blocks.map(timesOf);
  if (blocks.length === 0 || wanted.some((times) => times.length === 0)) {
    return impossible("it holds no CRL, or one that cannot be read");
  }
  if (payload.length > MOST_PAYLOAD_BYTES) return impossible(TOO_LONG);
  const answer = await ask(`set ssl crl-file ${escaped(name)} <<\n${payload}\n`);
  if (!isAccepted(answer, name)) return impossible(await abort("crl-file", name, { ask, answer }));
  const old = await ask(`show ssl crl-file ${escaped(name)}`);
  const set = await ask(`show ssl crl-file *${escaped(name)}`);
  const obstacle = obstacleTo({ old, set, wanted: wanted.flat() });
  if (obstacle !== null) {
    await abort("crl-file", name, { ask, answer });
    return impossible(obstacle);
  }
  const failure = await commit("crl-file", name, ask);
  if (failure !== null) return unconfirmed(failure);
  const shown = await ask(`show ssl crl-file ${escaped(name)}`);
  return areShown(shown, wanted.flat())
    ? { tag: "applied", detail: counted(wanted.length, "CRL") }
    : unconfirmed(differs(shown));
}

/** Why CRLs with the `wanted` times, shown before as `old` and in the transaction as `set`, need a reload; `null` if not. */
function obstacleTo(
  { old, set, wanted }: {
    readonly old: string | null;
    readonly set: string | null;
    readonly wanted: readonly number[];
  },
): string | null {
  if (!areShown(set, wanted)) return set === null ? quoted(set) : NOT_SHOWN;
  return shownSerials(set).isSubsetOf(shownSerials(old)) ? null : SESSIONS;
}

/**
 * Whether CRLs are shown whole, by all times in them. HAProxy 2.6 leaves out without a word what is
 * more than its buffer: the last revocations of 200 or so.
 */
function areShown(shown: string | null, wanted: readonly number[]): boolean {
  const found = shown?.match(/\w{3} +\d+ [\d:]{8} \d{4} GMT/g) ?? [];
  return found.map((time) => Date.parse(time)).sort().join() === wanted.toSorted().join();
}

/** HAProxy 2.6 shows no fingerprint of a certificate whose kind of key it does not know (Ed25519, RSA-PSS). */
function isShown(shown: string, { fingerprint, serial, expiresMs }: Fit): boolean {
  const valueOf = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(shown)?.[1] ?? "";
  const own = valueOf("SHA1 FingerPrint");
  if (own !== "") return own === fingerprint;
  return shownSerial(valueOf("Serial")) === serial && Date.parse(valueOf("notAfter")) === expiresMs;
}

/** HAProxy would go on resuming the sessions that they began (seen on 2.6 and 3.0, TLS 1.2 and 1.3). */
const SESSIONS = "clients are not trusted any more, and only a reload ends their sessions";

const NOT_SHOWN = "HAProxy does not show all of what it was given";

const shownFingerprints = (shown: string | null) => shownAll(shown, /^SHA1 FingerPrint: (\w+)$/gm);

const shownSerials = (shown: string | null) => shownAll(shown, /^\s*Serial Number: (\w+)$/gm);

const shownAll = (shown: string | null, pattern: RegExp) =>
  new Set([...shown?.matchAll(pattern) ?? []].map(([, one]) => one!));

const TOO_LONG = `it is longer than HAProxy takes at once`;

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Begins the transaction; `null` if it is open now, or why it is not. */
async function setCertificate(name: string, pem: string, ask: Ask): Promise<string | null> {
  if (pem.length > MOST_PAYLOAD_BYTES) return TOO_LONG;
  const set = (word: string) => ask(`set ssl cert ${escaped(word)} <<\n${pem}\n`);
  let answer = await set(name);
  // HAProxy 2.6 takes ".crt" for the kind of the payload, and looks for the name without it.
  const isUnknown = answer?.includes("not referenced by the configuration") ?? false;
  if (isUnknown && name.endsWith(".crt")) answer = await set(`${name}.crt`);
  return isAccepted(answer, name) ? null : await abort("cert", name, { ask, answer });
}

/**
 * Whether a transaction of our own is open now. HAProxy 2.6 puts what is meant for one certificate into
 * a transaction that somebody else has open for another, and says so only by its name and by "updated".
 */
function isAccepted(answer: string | null, name: string): boolean {
  const [, verb, target] = /^transaction (created|updated) for (.+)!$/im.exec(answer ?? "") ?? [];
  return target?.endsWith(` ${name}`) === true && (verb === "created" || /^CA /.test(target));
}

type Kind = "cert" | "ca-file" | "crl-file";

/** Commits what was set; `null` if HAProxy says so, else nothing is left open, and why. */
async function commit(kind: Kind, name: string, ask: Ask): Promise<string | null> {
  const answer = await ask(`commit ssl ${kind} ${escaped(name)}`);
  if (answer?.includes("Success!")) return null;
  return await abort(kind, name, { ask, answer });
}

/** Leaves no transaction open, and says what `answer` was the reason. */
async function abort(
  kind: Kind,
  name: string,
  { ask, answer }: { readonly ask: Ask; readonly answer: string | null },
): Promise<string> {
  const [, verb, opened = name] =
    /^transaction (created|updated) for certificate (.+)!$/im.exec(answer ?? "") ?? [];
  await ask(`abort ssl ${kind} ${escaped(opened)}`);
  return verb?.toLowerCase() === "updated"
    ? `somebody else has changed "${opened}" without committing it`
    : quoted(answer);
}

/** The SHA-1 fingerprints as HAProxy shows them; `null` if there is none, or one cannot be read. */
async function fingerprintsOf(blocks: readonly PemBlock[]): Promise<Set<string> | null> {
  const { X509Certificate } = await import("node:crypto");
  try {
    const all = blocks.map(({ text }) => shownFingerprint(new X509Certificate(text)));
    return all.length === 0 ? null : new Set(all);
  } catch {
    return null;
  }
}

/**
 * All times in a CRL, in milliseconds since 1970 (RFC 5280, section 5.1): when it was issued, which no
 * two lists of one issuer have in common, when the next comes, and of each revocation.
 */
function timesOf(block: PemBlock): number[] {
  const text = new TextDecoder("latin1").decode(contentOf(block) ?? new Uint8Array());
  return [...text.matchAll(/(?<!\d)(\d{12}|\d{14})Z/g)].map(([, digits]) => timeOf(digits!));
}

/** A year of two digits is one from 1950 to 2049. */
function timeOf(digits: string): number {
  const [year, month, day, hour, minute, second] = digits.slice(-12).match(/\d\d/g)!;
  const century = digits.length === 14 ? digits.slice(0, 2) : Number(year) < 50 ? "20" : "19";
  return Date.parse(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function portionsOf(blocks: readonly PemBlock[]): string[] {
  const parts: string[] = [];
  for (const { text } of blocks) {
    const longer = parts.length === 0 ? null : `${parts.at(-1)}\n${text}`;
    if (longer === null || longer.length > MOST_PAYLOAD_BYTES) parts.push(text);
    else parts[parts.length - 1] = longer;
  }
  return parts;
}
