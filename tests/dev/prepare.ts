/** Makes sure that `haproxy` is in PATH: installs Debian's as root, or says how to. */
import { PATHS } from "./deno.ts";

if (!isInstalled()) install();
if (!isInstalled()) {
  console.error(
    'There is no "haproxy" in PATH, and it could not be installed from here.\n' +
      "Install it as root (Debian, Ubuntu: apt-get install haproxy; Alpine: apk add haproxy;\n" +
      "Fedora: dnf install haproxy), then run this task again.",
  );
  Deno.exit(69);
}

function isInstalled(): boolean {
  try {
    return new Deno.Command("haproxy", { args: ["-v"], env: PATHS, stdout: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

/** As root, and with apt-get, whose HAProxy the tests were made for. */
function install(): void {
  if (Deno.uid() !== 0) return;
  console.error('There is no "haproxy" in PATH: installing Debian\'s with apt-get');
  const run = (words: string[]) =>
    new Deno.Command("apt-get", {
      args: words,
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdout: "null",
    }).outputSync();
  try {
    run(["update", "-qq"]);
    run(["install", "-y", "-qq", "--no-install-recommends", "haproxy"]);
  } catch {
    return;
  }
}
