/** What the HAProxy at hand can do, found by asking it: a test that needs more than all branches have names no version. */

/** What is wrong where HAProxy refuses this section, so that a test which is about it cannot run; else `null`. */
export function needsSection(section: string): string | null {
  const path = Deno.makeTempFileSync({ prefix: "hrw-test-", suffix: ".cfg" });
  try {
    Deno.writeTextFileSync(path, `${SERVES}${section}\n`);
    const { success } = new Deno.Command("haproxy", { args: ["-c", "-f", path] }).outputSync();
    return success ? null : `needs a HAProxy with the section "${section}"`;
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
