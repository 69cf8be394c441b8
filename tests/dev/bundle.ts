/**
 * The program as one bundle of JavaScript, to compile. An executable keeps in memory all text that it embeds, and of
 * TypeScript that is the source, the JavaScript made of it and a source map: 4 bytes for each of the source (2.6.8).
 * Names stay, so that stack traces can be read: minified it would take 2 ms of the start and 0.3 MB less, but with
 * `--keep-names` no less at all (esbuild 0.25.5). What is imported late stays apart.
 */
import { join } from "node:path";
import { denoCommand, ROOT } from "./deno.ts";

const FOLDER = ".bundle";

/** Calls `work` with the bundle's entry; without the network, from which Deno gets its bundler, with the program's own. */
export async function withBundle<Result>(
  work: (entry: string) => Promise<Result>,
): Promise<Result> {
  const words = ["bundle", "--code-splitting", "--outdir", FOLDER, "main.ts"];
  try {
    const { success, stderr } = await denoCommand(words, {}, { stderr: "piped" }).output();
    if (success) return await work(join(ROOT, FOLDER, "main.js"));
    const [reason = ""] = new TextDecoder().decode(stderr).split("\n");
    console.error(
      `"deno bundle" found ${reason}; compiling without a bundle, which takes more memory`,
    );
    return await work(join(ROOT, "main.ts"));
  } finally {
    await Deno.remove(join(ROOT, FOLDER), { recursive: true }).catch(() => {});
  }
}
