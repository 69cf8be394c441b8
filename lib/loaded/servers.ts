/** The servers of a generation, as the configuration's files say. */
import { type Environment, MOST_TEXT_BYTES } from "../config/tokens.ts";
import { readFile } from "../system/files/contents.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { ServersTarget } from "./targets.ts";
import type { ReadText } from "./text_cache.ts";

/**
 * Those of a generation that has read the files as the scan found them; `null` if `texts` are others, for instance
 * because the files have changed since, or are too large.
 */
export function serversOf(
  texts: readonly ReadText[],
  { environment, fingerprint: { files } }: {
    readonly environment: Environment;
    readonly fingerprint: Fingerprint;
  },
): ServersTarget | null {
  const [first] = texts;
  const areRead = texts.every(({ path, digest }) => files.get(path)?.content === digest);
  return first === undefined || !areRead ? null : {
    tag: "server",
    path: first.path,
    paths: texts.map(({ path }) => path),
    texts: texts.map(({ text }) => text),
    environment,
    hot: new Map(),
    removed: [],
    doubtful: [],
  };
}

/** What the files have now; `null` if one cannot be read, or all together are too large. */
export async function readTexts(paths: readonly string[]): Promise<readonly string[] | null> {
  const texts: string[] = [];
  let left = MOST_TEXT_BYTES;
  for (const path of paths) {
    const bytes = await readFile(path, left).catch(() => null);
    if (bytes === null) return null;
    left -= bytes.length;
    texts.push(new TextDecoder().decode(bytes));
  }
  return texts;
}
