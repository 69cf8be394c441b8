/** Checks whether one more HAProxy process fits into the memory that the control groups allow. */
import { findMemoryLimit, type MemoryLimit, type ReadFile } from "../../system/cgroup_memory.ts";
import { type Shortage, shortageOf } from "./limits.ts";

export class MemoryRoom {
  readonly #read: ReadFile;
  /** Looked up on first use, which takes a millisecond. */
  #limit: (() => MemoryLimit | null) | null = null;

  constructor(read: ReadFile) {
    this.#read = read;
  }

  /** `null` if there is none. */
  get limit(): MemoryLimit | null {
    this.#limit ??= findMemoryLimit(this.#read);
    return this.#limit();
  }

  /** What one more process like `pid` lacks; `null` if it fits or this is unknown. */
  shortage(pid: number): Shortage | null {
    const { limit } = this;
    return limit && shortageOf(this.#read(`/proc/${pid}/status`) ?? "", limit);
  }
}
