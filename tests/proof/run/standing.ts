/** What is right to serve at the moment, shared by all threads: the contents, and the current reload. */

const FIELDS = ["oldest", "newest", "reload", "isOver"] as const;

/** How long the old content may be served after the new one: its process may not have run yet. */
const OVERLAP_MS = 500;

/** Contents are numbered in the order in which they should be served. */
export class Standing {
  readonly #fields: Int32Array<SharedArrayBuffer>;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    readonly memory = new SharedArrayBuffer(FIELDS.length * Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.#fields = new Int32Array(memory);
  }

  /** The oldest right content for a new connection. */
  get oldest(): number {
    return this.#get("oldest");
  }

  /** The newest right content. */
  get newest(): number {
    return this.#get("newest");
  }

  /** The last reload that began; 0 before the first. */
  get reload(): number {
    return this.#get("reload");
  }

  /** Whether the clients must end. */
  get isOver(): boolean {
    return this.#get("isOver") === 1;
  }

  /** A reload begins; its content, if any, is right from now on. */
  begin(reload: number, content: number | null): void {
    this.#set("reload", reload);
    if (content !== null) this.#set("newest", content);
  }

  /** `content` alone is right, once the old process has had time to notice. */
  serves(content: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#set("oldest", Math.max(this.oldest, content));
    }, OVERLAP_MS);
    this.#timers.add(timer);
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#set("isOver", 1);
  }

  #get(field: typeof FIELDS[number]): number {
    return Atomics.load(this.#fields, FIELDS.indexOf(field));
  }

  #set(field: typeof FIELDS[number], value: number): void {
    Atomics.store(this.#fields, FIELDS.indexOf(field), value);
  }
}
