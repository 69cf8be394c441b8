/** The list of a recorded set of files: what was where, and its digest. Pure. */

export interface Manifest {
  /** In milliseconds since 1970. */
  readonly recordedMs: number;
  readonly generation: number;
  /** HAProxy's own; `null` where it did not tell. */
  readonly haproxyVersion: string | null;
  /** Where HAProxy's relative names started, absolute. */
  readonly directory: string;
  /** The SHA-256 of each file, in hexadecimal digits, by its absolute path. */
  readonly files: ReadonlyMap<string, string>;
}

/** Where and when the set was recorded that a generation was started from. */
export interface LastGood {
  readonly directory: string;
  readonly recordedMs: number;
}

export function manifestText({ recordedMs, files, ...rest }: Manifest): string {
  const when = new Date(recordedMs).toISOString();
  return `${
    JSON.stringify({ version: VERSION, when, ...rest, files: Object.fromEntries(files) }, null, 1)
  }\n`;
}

/** `null` unless `manifestText` could have written it. */
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

/** Absolute and without "..": appended to a folder's path it cannot lead out of it. */
const isPath = (path: unknown): path is string => typeof path === "string" && PATH.test(path);

/** Fast enough for 10,000 of them. */
const PATH = /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+)$/;

const isEntry = ([path, digest]: [string, unknown]) =>
  isPath(path) && typeof digest === "string" && /^[\da-f]{64}$/.test(digest);
