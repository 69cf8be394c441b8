/** Random numbers that repeat for the same seed. */

export interface Random {
  /** A whole number of at least 0, below `limit`. */
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** splitmix32: good for any seed, even for consecutive ones. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  function next(): number {
    state = (state + 0x9e37_79b9) | 0;
    let bits = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a_2d97);
    return (bits ^ (bits >>> 15)) >>> 0;
  }
  const below = (limit: number) => Math.floor(next() / 2 ** 32 * limit);
  return { below, pick: (items) => items[below(items.length)]! };
}
