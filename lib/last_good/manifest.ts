/** The list of a recorded set of files: what was where, and its digest. Pure. */

export interface Manifest {
  /** When it had served long enough, in milliseconds since 1970. */
  readonly recordedMs: number;
  readonly generation: number;
  /** HAProxy's own; `null` where it did not tell. */
  readonly haproxyVersion: string | null;
  /** Absolute: where HAProxy's relative names started. */
  readonly directory: string;
  /** The SHA-256 of each file in hexadecimal digits, by its absolute path, in the order of the fingerprint. */
  readonly files: ReadonlyMap<string, string>;
}

/** What a generation that is started from a recorded set says of it. */
export interface LastGood {
  /** Where it is recorded. */
  readonly directory: string;
  readonly recordedMs: number;
}

export function manifestText({ recordedMs, files, ...rest }: Manifest): string {
  const when = new Date(recordedMs).toISOString();
  return `${
    JSON.stringify({ version: VERSION, when, ...rest, files: Object.fromEntries(files) }, null, 1)
  }\n`;
}

/** `null` if it is not of the form that `manifestText` gives. */
export function parseManifest(text: string): Manifest | null {
  const found = parsed(text);
  if (found?.version !== VERSION) return null;
  const { when, generation, haproxyVersion, directory } = found;
  const recordedMs = Date.parse(String(when));
  const files = Object.entries(found.files ?? {});
  const isWhole = !Number.isNaN(recordedMs) && typeof generation === "number" &&
    (haproxyVersion === null || typeof haproxyVersion === "string") && isPath(directory) &&
    files.length > 0 && files.every(isEntry);
  return isWhole
    ? {
      recordedMs,
      generation,
      haproxyVersion,
      directory,
      files: new Map(files as [string, string][]),
    }
    : null;
}

const VERSION = 1;

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Absolute, and without a step back: behind a folder's path it leads to nowhere else. */
const isPath = (path: unknown): path is string => typeof path === "string" && PATH.test(path);

/** Made for 10,000 of them. */
const PATH = /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+)$/;

const isEntry = ([path, digest]: [string, unknown]) =>
  isPath(path) && typeof digest === "string" && /^[\da-f]{64}$/.test(digest);
