/** Tests that need more than every machine has: each says what, and why it is ignored where that is missing. */

export interface Need {
  /** What is missing here, in words for the test's name; `null`: nothing. */
  readonly missing: string | null;
  /** Not even CI has to have it. Whatever else is missing fails there, so that nothing goes untested. */
  readonly isOptional?: boolean;
  /** The test runs in another form of the program, see `program.ts`. */
  readonly isElsewhere?: boolean;
}

export type TestBody = (context: Deno.TestContext) => void | Promise<void>;

/** Registers a test that needs all of `needs`. */
export function testNeeding(needs: readonly Need[], name: string, body: TestBody): void {
  if (needs.some(({ isElsewhere }) => isElsewhere)) return;
  const lacking = needs.find(({ missing }) => missing !== null);
  if (lacking === undefined) return Deno.test(name, body);
  const { missing, isOptional = false } = lacking;
  const ignore = isOptional || Deno.env.get("CI") !== "true";
  const fail = () => Promise.reject(new Error(missing!));
  Deno.test({ name: `${name} (${missing})`, ignore, fn: fail });
}

export const ROOT: Need = { missing: Deno.uid() === 0 ? null : "needs root" };

/** A program in PATH. */
export function installed(program: string): Need {
  const command = new Deno.Command("sh", { args: ["-c", 'command -v "$0"', program] });
  return { missing: command.outputSync().success ? null : `needs ${program}` };
}

/** An HAProxy that takes this section. Ask HAProxy for what it can do; no test names a version. */
export function haproxyTaking(section: string): Need {
  const path = Deno.makeTempFileSync({ prefix: "hrw-test-", suffix: ".cfg" });
  try {
    Deno.writeTextFileSync(path, `${SERVES}${section}\n`);
    const isTaken = haproxySucceeds("-c", "-f", path);
    const words = section.trim().split(/\s*\n\s*/).join(" ");
    return { missing: isTaken ? null : `needs an HAProxy with "${words}"`, isOptional: true };
  } finally {
    Deno.removeSync(path);
  }
}

const SERVES = `defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend page
    bind 127.0.0.1:1
`;

/** HTTP/3, both of the HAProxy that is first in PATH by now and of Deno. */
export function quic(): Need {
  const missing = !haproxySucceeds("-cc", "feature(QUIC) && !feature(QUIC_OPENSSL_COMPAT)")
    ? "needs an HAProxy with QUIC"
    : "connectQuic" in Deno
    ? null
    : "needs Deno's --unstable-net";
  return { missing, isOptional: true };
}

const haproxySucceeds = (...args: string[]) =>
  new Deno.Command("haproxy", { args }).outputSync().success;
