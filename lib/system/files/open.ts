/** Opens a file to be read, and waits for no writer: a FIFO that nobody writes to would be waited for for ever. */
import { within } from "../cut_off.ts";
import { work } from "../threads.ts";
import { kernelPath, kernelPathAtOnce } from "./kernel_path.ts";

/**
 * Anybody who may replace the file can put a FIFO in its place after its last check. A thread is lost then, but the
 * wrapper goes on.
 */
export const open = (path: string): Promise<Deno.FsFile> =>
  work(
    async () => await openInTime(await kernelPath(path)),
    () => openAtOnce(kernelPathAtOnce(path)),
  );

/** On the main thread, where no more than a moment is left for such a swap. */
function openAtOnce(path: string): Deno.FsFile {
  if (!isReadable(Deno.statSync(path))) throw new Error(NOT_READABLE);
  return Deno.openSync(path);
}

async function openInTime(path: string): Promise<Deno.FsFile> {
  const opening = Deno.open(path);
  for (;;) {
    const opened = await within(LOOK_AFTER_MS, opening);
    if (opened !== null) return opened;
    if (!isReadable(await Deno.stat(path))) break;
  }
  opening.then((file) => file.close(), () => {});
  throw new Error(NOT_READABLE);
}

/** A slow disk may take longer. */
const LOOK_AFTER_MS = 1_000;

const isReadable = ({ isFile, isDirectory }: Deno.FileInfo) => isFile || isDirectory;
const NOT_READABLE = "it is neither a file nor a directory";
