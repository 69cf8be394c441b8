/** Tells whether one more HAProxy process fits into the memory that the control groups allow. */
import { findMemoryLimit, type MemoryLimit, type ReadFile } from "../../system/cgroup_memory.ts";
import { memoryNeed } from "./memory_need.ts";

/** What is missing for one more process, in bytes. */
export interface Shortage extends MemoryLimit {
  readonly needed: number;
}

export class MemoryRoom {
  readonly #read: ReadFile;
  /** Found when it is first wanted, which takes a millisecond. */
  #limit: (() => MemoryLimit | null) | null = null;

  constructor(read: ReadFile) {
    this.#read = read;
  }

  /** `null` where there is no limit. */
  get limit(): MemoryLimit | null {
    this.#limit ??= findMemoryLimit(this.#read);
    return this.#limit();
  }

  /** What is missing for one more process like `pid`; `null` if it fits, or nobody can tell. */
  shortage(pid: number): Shortage | null {
    const { limit } = this;
    if (limit === null) return null;
    const needed = memoryNeed(this.#read(`/proc/${pid}/status`) ?? "");
    return needed === null || needed <= limit.available ? null : { ...limit, needed };
  }
}
