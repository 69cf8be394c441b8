/** What is served at the moment, as all threads see it: which contents are right, and which reload goes on. */

const FIELDS = ["oldest", "newest", "reload", "isOver"] as const;

/** How long an old content may still be met after the new one serves: its process may not have run yet. */
const OVERLAP_MS = 500;

/** Contents are numbered in the order in which they are to be served. */
export class Standing {
  readonly #fields: Int32Array<SharedArrayBuffer>;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    readonly memory = new SharedArrayBuffer(FIELDS.length * Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.#fields = new Int32Array(memory);
  }

  /** The oldest content that a new connection may be answered. */
  get oldest(): number {
    return this.#get("oldest");
  }

  /** The newest content that may be answered. */
  get newest(): number {
    return this.#get("newest");
  }

  /** The number of the last reload that was begun; 0 before the first. */
  get reload(): number {
    return this.#get("reload");
  }

  /** Whether the clients are to end. */
  get isOver(): boolean {
    return this.#get("isOver") === 1;
  }

  /** Reload `reload` begins; the content that it brings, if any, may be answered from now on. */
  begin(reload: number, content: number | null): void {
    this.#set("reload", reload);
    if (content !== null) this.#set("newest", content);
  }

  /** `content` serves alone, once the process before it has had the time to hear of it. */
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
