/** Makes one digest of the names and states of any number of entries, without storing them. Pure. */
import type { FileState } from "./file_state.ts";

/** Adds up a 64-bit hash of each entry, so their order does not matter. */
export class EntrySum {
  #low = 0;
  #high = 0;
  #entries = 0;
  #newestMs = 0;

  /** `null`: no state, as for a dangling link. */
  add(name: string, state: FileState | null): void {
    const hash = new Hash();
    for (let index = 0; index < name.length; index++) hash.take(name.charCodeAt(index));
    const modifiedMs = state?.mtime?.getTime() ?? 0;
    const { dev = 0, ino = 0, size = -1, ctime = null } = state ?? {};
    for (const number of [dev, ino ?? 0, size, modifiedMs, ctime?.getTime() ?? 0]) {
      hash.take(number % 2 ** 32);
      hash.take(number / 2 ** 32);
    }
    this.#low = (this.#low + mixed(hash.low)) >>> 0;
    this.#high = (this.#high + mixed(hash.high)) >>> 0;
    this.#entries++;
    this.#newestMs = Math.max(this.#newestMs, modifiedMs);
  }

  get value(): { readonly digest: string; readonly entries: number; readonly newestMs: number } {
    const digits = [this.#high, this.#low].map((half) => half.toString(16).padStart(8, "0"));
    return { digest: digits.join(""), entries: this.#entries, newestMs: this.#newestMs };
  }
}

/** Like FNV-1a, but 32 bits at a time and with two primes. */
class Hash {
  low = 0x811c9dc5;
  high = 0x9747b28c;

  take(bits: number): void {
    this.low = Math.imul(this.low ^ bits, 0x01000193);
    this.high = Math.imul((this.high ^ bits) + (this.high >>> 15), 0x85ebca6b);
  }
}

const mixed = (bits: number) => Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d) ^ (bits >>> 13);
