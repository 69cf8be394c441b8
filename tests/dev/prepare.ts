/** Sees to it that `haproxy` is in PATH: installs Debian's where it may, and else says how. */

const forTests = Deno.args.includes("--for-tests");

if (!isInstalled()) install();
if (!isInstalled()) {
  console.error(
    'There is no "haproxy" in PATH, and it could not be installed from here.\n' +
      "Install it as root (Debian, Ubuntu: apt-get install haproxy; Alpine: apk add haproxy;\n" +
      "Fedora: dnf install haproxy), then run this task again.",
  );
  Deno.exit(69);
}
if (!forTests) {
  console.log(
    "HAProxy will serve http://127.0.0.1:8080/ as tests/dev/haproxy.cfg says, and the wrapper's status\n" +
      "is on http://127.0.0.1:9101/. Edit that file, for instance its last line, and look again; Ctrl-C ends it.",
  );
}

function isInstalled(): boolean {
  try {
    return new Deno.Command("haproxy", { args: ["-v"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Only root may, and only apt-get is known to give what the tests were made for. */
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
