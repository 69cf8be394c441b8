/** When the certificates that a generation has loaded expire. Unchanged files are not read again. */
import { readFile, sha256 } from "../system/files/contents.ts";
import { isCertificate, pemBlocks, readCertificate } from "../hot_apply/kinds/pem.ts";
import { MOST_HOT_BYTES } from "../hot_apply/kinds/target_kind.ts";
import type { Target, Targets } from "../loaded/targets.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";

/** By path: when the first certificate in the file expires, in milliseconds since 1970. */
export type Expiries = ReadonlyMap<string, number>;

interface Known {
  /** As in the fingerprint. */
  readonly content: string;
  /** `null`: it holds no readable certificate. */
  readonly expiresMs: number | null;
}

/**
 * Makes a function that finds the expiries. If a file on disk differs from what was loaded, such as a renewed
 * certificate that was refused, its last known expiry stays.
 */
export function createExpiries(): (
  targets: Targets,
  fingerprint: Fingerprint | null,
) => Promise<Expiries> {
  let known: ReadonlyMap<string, Known> = new Map();
  let turn: Promise<unknown> = Promise.resolve();
  async function find(targets: Targets, fingerprint: Fingerprint | null): Promise<Expiries> {
    const next = new Map<string, Known>();
    for (const path of certificatesOf(targets)) {
      const entry = await update(known.get(path), path, fingerprint);
      if (entry !== undefined) next.set(path, entry);
    }
    known = next;
    return expiriesOf(known);
  }
  return (targets, fingerprint) => {
    const next = turn.then(() => find(targets, fingerprint));
    turn = next.catch(() => {});
    return next;
  };
}

const certificatesOf = ({ byPath }: Targets) =>
  [...byPath].filter(([path, targets]) => targets.some((target) => isItself(target, path)))
    .map(([path]) => path);

/** A key file's target has the path of the certificate. */
const isItself = ({ tag, path: own }: Target, path: string) =>
  tag === "certificate" && own === path;

async function update(
  known: Known | undefined,
  path: string,
  fingerprint: Fingerprint | null,
): Promise<Known | undefined> {
  const content = fingerprint?.files.get(path)?.content;
  if (content === undefined || known?.content === content) return known;
  const bytes = await readFile(path, MOST_HOT_BYTES).catch(() => null);
  if (bytes === null || await sha256(bytes) !== content) return known;
  return { content, expiresMs: await firstExpiry(new TextDecoder().decode(bytes)) };
}

async function firstExpiry(text: string): Promise<number | null> {
  const certificates = await Promise.all(
    pemBlocks(text).filter(isCertificate).map(readCertificate),
  );
  const times = certificates.filter((certificate) => certificate !== null)
    .map(({ validTo }) => Date.parse(validTo));
  return times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b));
}

const expiriesOf = (known: ReadonlyMap<string, Known>): Expiries =>
  new Map(
    [...known].flatMap(([path, { expiresMs }]) => expiresMs === null ? [] : [[path, expiresMs]]),
  );
