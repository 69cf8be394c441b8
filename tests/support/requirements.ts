/** Tests that need more than every machine has. */

type TestBody = (context: Deno.TestContext) => void | Promise<void>;

/**
 * Makes the function that registers tests with such a need. Where `missing` says what is not there they
 * are reported as ignored, with the reason; but where CI=true they fail, so that nothing goes untested.
 */
export function testNeeding(missing: string | null) {
  return (name: string, body: TestBody): void => {
    if (missing === null) return Deno.test(name, body);
    const fail = () => Promise.reject(new Error(missing));
    Deno.test({ name: `${name} (${missing})`, ignore: Deno.env.get("CI") !== "true", fn: fail });
  };
}
