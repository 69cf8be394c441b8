/** A directory written as the kubelet does. */
import { basename, join } from "@std/path";

/** Keys are links through `..data`, which a rename swaps, so all of them change at once. */
export class Volume {
  #version = 0;
  #previous: string | null = null;

  constructor(readonly path: string) {}

  async write(keys: Readonly<Record<string, string>>): Promise<void> {
    const data = join(this.path, `..version_${++this.#version}`);
    await Deno.mkdir(data, { recursive: true });
    for (const [key, value] of Object.entries(keys)) {
      await Deno.writeTextFile(join(data, key), value);
    }
    await Deno.symlink(basename(data), join(this.path, "..data_tmp"));
    await Deno.rename(join(this.path, "..data_tmp"), join(this.path, "..data"));
    if (this.#previous !== null) await Deno.remove(this.#previous, { recursive: true });
    else {
      for (const key of Object.keys(keys)) {
        await Deno.symlink(`..data/${key}`, join(this.path, key));
      }
    }
    this.#previous = data;
  }
}
