/** What the HAProxy at hand can do, found by asking it: a test that needs more than all branches have names no version. */

type Register = (name: string, body: () => Promise<void>) => void;

/** Registers by `register` a test that is about what not every HAProxy can: a machine, even CI's, need not have one that can. */
export function capabilityTest(lacking: string | null, register: Register): Register {
  if (lacking === null) return register;
  return (name, fn) => Deno.test({ name: `${name} (${lacking})`, ignore: true, fn });
}

/** What is wrong where HAProxy refuses this section, so that a test which is about it cannot run; else `null`. */
export function needsSection(section: string): string | null {
  const path = Deno.makeTempFileSync({ prefix: "hrw-test-", suffix: ".cfg" });
  try {
    Deno.writeTextFileSync(path, `${SERVES}${section}\n`);
    const { success } = new Deno.Command("haproxy", { args: ["-c", "-f", path] }).outputSync();
    return success ? null : `needs a HAProxy with "${section.trim().split(/\s*\n\s*/).join(" ")}"`;
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
