/** Random trees of files with odd names, links and locked directories, and random globs for them. */
import type { Random } from "../support/random.ts";
import { TempFolder } from "../support/machine/temp_folder.ts";

const NAMES = [
  ..."a b ab A 0 a.pem b.key .h ..data a~ - é 🙂 ^ ! !a * ? [ ] [a] { {a} x,y a|b (a|b) @(a) + \\ \\a"
    .split(" "),
  ...["site (1).pem", " ", "\n", "a\nb"],
];

/** Settings must be UTF-8, so no glob has such a name. */
const UNNAMED = "a\ufffd";

/** What segments consist of, besides names. */
const PARTS =
  ("* * ? ** *** [ab] [!a] [^a] [a-c] [] [!] [\\]] [\\^a] [\\!a] [[] [z-a] {a,b} {a,{b,.h}*} { } , [ ] " +
    "\\ \\* \\[ \\a \\{ ! ^ $ . + ( ) | @( +( *( !( ?(").split(" ");

/**
 * Locked directories cannot be read, and some not entered. None can be read but not entered: there the package
 * fails at once if it contains a directory, and the stand-in later.
 */
export class RandomTree extends TempFolder {
  /** Links to `..` lead out of the first one, and must not lead out of the folder. */
  readonly #directories = ["/tree"];

  constructor(readonly random: Random) {
    super();
    Deno.mkdirSync(this.at("tree"));
    for (let count = 5 + random.below(25); count > 0; count--) this.#grow();
    for (const directory of this.#directories.slice(1)) {
      if (random.below(8) === 0) Deno.chmodSync(this.path + directory, random.pick([0, 0o111]));
    }
    Deno.chmodSync(this.path, 0o755);
  }

  /** An absolute glob without `.`, `..` and `//`, like all of the program's. */
  glob(): string {
    const { random } = this;
    const start = random.below(2) === 0 ? random.pick(this.#named()) : "/tree";
    return [this.path + start, ...several(1 + random.below(3), () => this.#segment())].join("/");
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#directories) Deno.chmodSync(this.path + directory, 0o755);
    await super[Symbol.asyncDispose]();
  }

  #named(): string[] {
    return this.#directories.filter((directory) => !directory.includes(UNNAMED));
  }

  #segment(): string {
    const { random } = this;
    const kind = random.below(5);
    if (kind === 0) return "**";
    if (kind === 1) return escaped(random.pick(NAMES));
    const parts = several(1 + random.below(4), () => random.pick(random.pick([NAMES, PARTS])));
    return [".", ".."].includes(parts.join("")) ? "*" : parts.join("");
  }

  #grow(): void {
    const { random } = this;
    const place = `${random.pick(this.#directories)}/${random.pick([...NAMES, UNNAMED])}`;
    const path = this.path + place;
    const kind = random.below(4);
    try {
      if (kind === 0) Deno.symlinkSync(random.pick([".", "..", "a", "none", "b/a"]), path);
      else if (kind === 1) Deno.writeTextFileSync(path, "", { createNew: true });
      else {
        Deno.mkdirSync(path);
        this.#directories.push(place);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

const several = <Item>(length: number, make: () => Item) => Array.from({ length }, make);

const escaped = (name: string) => name.replaceAll(/[*?[\]{}()|+@!]/g, "\\$&");
