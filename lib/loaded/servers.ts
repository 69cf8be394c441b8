/** Reads what a configuration says of its servers. */
import { arePlain, serverLines, withoutServers } from "../config/server_lines.ts";
import { MOST_TEXT_BYTES } from "../config/tokens.ts";
import { readFile, sha256 } from "../system/files/contents.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { ServersTarget } from "./targets.ts";

/**
 * The servers of a generation that has read the configuration's files as the scan found them; `null` if they have
 * changed since, are too large, or only HAProxy knows which lines count.
 */
export async function findServers(
  paths: readonly string[],
  { files }: Fingerprint,
): Promise<ServersTarget | null> {
  const [path] = paths;
  const texts = await readTexts(paths, (digest, path) => files.get(path)?.content === digest);
  if (path === undefined || texts === null || !arePlain(texts)) return null;
  const others = await digestWithoutServers(texts);
  const lines = serverLines(texts);
  return { tag: "server", path, paths, lines, others, hot: new Map(), removed: [], doubtful: [] };
}

export const digestWithoutServers = (texts: readonly string[]): Promise<string> =>
  sha256(new TextEncoder().encode(withoutServers(texts)));

/** The lines of the servers that the files have now; `null` if they cannot be read, or as above. */
export async function readServerLines(paths: readonly string[]): Promise<string | null> {
  const texts = await readConfiguration(paths);
  return texts === null || !arePlain(texts) ? null : serverLines(texts);
}

/** What the files have now; `null` if they cannot be read, or have more bytes. */
export const readConfiguration = (paths: readonly string[], mostBytes = MOST_TEXT_BYTES) =>
  readTexts(paths, () => true, mostBytes);

/** `null` if one cannot be read, or is not the right one, or all together are too large. */
async function readTexts(
  paths: readonly string[],
  isRight: (digest: string, path: string) => boolean,
  mostBytes = MOST_TEXT_BYTES,
): Promise<readonly string[] | null> {
  const texts: string[] = [];
  let left = mostBytes;
  for (const path of paths) {
    const bytes = await readFile(path, left).catch(() => null);
    if (bytes === null || !isRight(await sha256(bytes), path)) return null;
    left -= bytes.length;
    texts.push(new TextDecoder().decode(bytes));
  }
  return texts;
}
