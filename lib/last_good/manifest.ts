/** The manifest of a recorded set: the path and digest of each file. Pure. */

export interface Manifest {
  /** In milliseconds since 1970. */
  readonly recordedMs: number;
  readonly generation: number;
  /** HAProxy's own; `null` if it did not say. */
  readonly haproxyVersion: string | null;
  /** Where HAProxy's relative names started, absolute. */
  readonly directory: string;
  /** The SHA-256 of each file, in hexadecimal digits, by its absolute path. */
  readonly files: ReadonlyMap<string, string>;
}

/** Where and when a set was recorded that a generation is started from. */
export interface LastGood {
  readonly directory: string;
  readonly recordedMs: number;
}

export function manifestText({ recordedMs, files, ...rest }: Manifest): string {
  const when = new Date(recordedMs).toISOString();
  const content = { version: VERSION, when, ...rest, files: Object.fromEntries(files) };
  return `${JSON.stringify(content, null, 1)}\n`;
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
  if (!isWhole) return null;
  const digests = new Map(files as [string, string][]);
  return { recordedMs, generation, haproxyVersion, directory, files: digests };
}

const VERSION = 1;

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Absolute and without "..": appended to a folder's path, it cannot escape from the folder. */
const isPath = (path: unknown): path is string => typeof path === "string" && PATH.test(path);

/** Fast enough for 10,000 of them. */
const PATH = /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+)$/;

const isEntry = ([path, digest]: [string, unknown]) =>
  isPath(path) && typeof digest === "string" && /^[\da-f]{64}$/.test(digest);
