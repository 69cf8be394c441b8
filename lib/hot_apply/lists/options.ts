/** The options of a line in a certificate list that can come and go with it. Pure. */

/**
 * Them in one order; `null` if there are others, or a value may be written in two ways. Ciphers, curves and what asks
 * clients for certificates are others: a session that began under other ones would be resumed all the same.
 */
export function optionsOf(options: string): string | null {
  const words = options === "" ? [] : options.split(" ");
  const found = new Map<string, string>();
  for (let index = 0; index < words.length; index += 2) {
    const [name, value = ""] = words.slice(index, index + 2);
    if (found.has(name!) || VALUES.get(name!)?.test(value) !== true) return null;
    found.set(name!, value);
  }
  return [...found].map(([name, value]) => `${name} ${value}`).sort().join(" ");
}

const VERSION = /^TLSv1\.[0-3]$/;

const VALUES: ReadonlyMap<string, RegExp> = new Map([
  ["alpn", /^[a-z0-9./-]+(?:,[a-z0-9./-]+)*$/],
  ["ssl-min-ver", VERSION],
  ["ssl-max-ver", VERSION],
]);
