/** Does many things, a few at a time. */

/** Returns what failed, in the order of `items`. */
export async function concurrently<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<readonly Error[]> {
  const rest = [...items.entries()];
  const failures = new Map<number, Error>();
  await Promise.all(Array.from({ length: width }, async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const [index, item] = next;
      await work(item).catch((error) => failures.set(index, error));
    }
  }));
  return [...failures].sort(([one], [other]) => one - other).map(([, failure]) => failure);
}
