/** A folder for one test, removed when the test ends. */
import { dirname, join } from "@std/path";
import { namesIn } from "./files.ts";

export class TempFolder implements AsyncDisposable {
  /** Without links in it. */
  readonly path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "test-" }));

  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file, with the folders it needs, and returns its path. */
  write(name: string, text = name): string {
    Deno.mkdirSync(dirname(this.at(name)), { recursive: true });
    Deno.writeTextFileSync(this.at(name), text);
    return this.at(name);
  }

  /** Makes the link `name` to `target`, which need not exist. */
  link(name: string, target: string): string {
    Deno.mkdirSync(dirname(this.at(name)), { recursive: true });
    Deno.symlinkSync(target, this.at(name));
    return this.at(name);
  }

  /** What is in a folder, sorted. */
  names(path = this.path): string[] {
    return namesIn(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
