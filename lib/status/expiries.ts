/** When the certificates that a generation has loaded expire. Unchanged files are not read again. */
import { readFile, sha256 } from "../system/contents.ts";
import { isCertificate, pemBlocks } from "../hot_apply/pem.ts";
import { MOST_HOT_BYTES, type Targets, type Use } from "../loaded/targets.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";

/** By path: when the first certificate in the file expires, in milliseconds since 1970. */
export type Expiries = ReadonlyMap<string, number>;

interface Known {
  /** As in the fingerprint. */
  readonly content: string;
  /** `null`: no readable certificate is in it. */
  readonly expiresMs: number | null;
}

/**
 * Makes the function that finds the expiries. A file that differs from what was loaded, such as a renewed
 * certificate that was refused, keeps its last known expiry.
 */
export function createExpiries(): (
  uses: Targets,
  fingerprint: Fingerprint | null,
) => Promise<Expiries> {
  let known: ReadonlyMap<string, Known> = new Map();
  let turn: Promise<unknown> = Promise.resolve();
  async function tell(uses: Targets, fingerprint: Fingerprint | null): Promise<Expiries> {
    const next = new Map<string, Known>();
    for (const path of certificatesOf(uses)) {
      const one = await learn(path, { fingerprint, known: known.get(path) });
      if (one !== undefined) next.set(path, one);
    }
    known = next;
    return expiriesOf(known);
  }
  return (uses, fingerprint) => {
    const next = turn.then(() => tell(uses, fingerprint));
    turn = next.catch(() => {});
    return next;
  };
}

const certificatesOf = ({ byPath }: Targets) =>
  [...byPath].filter(([path, uses]) => uses.some((use) => isItself(use, path)))
    .map(([path]) => path);

/** The use of a key file names its certificate's path. */
const isItself = ({ tag, path: own }: Use, path: string) => tag === "certificate" && own === path;

async function learn(
  path: string,
  { fingerprint, known }: {
    readonly fingerprint: Fingerprint | null;
    readonly known: Known | undefined;
  },
): Promise<Known | undefined> {
  const content = fingerprint?.files.get(path)?.content;
  if (content === undefined || known?.content === content) return known;
  const bytes = await readFile(path, MOST_HOT_BYTES).catch(() => null);
  if (bytes === null || await sha256(bytes) !== content) return known;
  return { content, expiresMs: await firstExpiry(new TextDecoder().decode(bytes)) };
}

async function firstExpiry(text: string): Promise<number | null> {
  const { X509Certificate } = await import("node:crypto");
  const times = pemBlocks(text).filter(isCertificate).flatMap((block) => {
    try {
      return [Date.parse(new X509Certificate(block.text).validTo)];
    } catch {
      return [];
    }
  });
  return times.length === 0 ? null : times.reduce((one, other) => Math.min(one, other));
}

const expiriesOf = (known: ReadonlyMap<string, Known>): Expiries =>
  new Map(
    [...known].flatMap(([path, { expiresMs }]) => expiresMs === null ? [] : [[path, expiresMs]]),
  );
