/** Tries what the program must not be able to do, with the program's permissions, and prints the outcomes. */
import { LIBC_PATHS, openLibc } from "../../../lib/system/libc.ts";

const [allowed, forbidden] = Deno.args as [string, string];

const libc = await openLibc();

const ATTEMPTS = {
  "use the opened library": () => libc!.isMountRoot("/proc") || Promise.reject(new Error("no")),
  "read how much memory is left": () => readAll("/proc/self/status", `/proc/${Deno.pid}/status`),
  "read anything else of the kernel": () => readAll("/proc/self/environ", "/proc/1/environ"),
  "write in its own places": () => Deno.writeTextFile(allowed, ""),
  "start haproxy": () => new Deno.Command("haproxy", { args: ["-v"], stdout: "null" }).output(),
  "start a shell": () => new Deno.Command("sh", { args: ["-c", "true"] }).output(),
  "start a program by its path": () => new Deno.Command("/bin/true").output(),
  "start another haproxy": () => new Deno.Command(`${allowed}/haproxy`).output(),
  "write elsewhere": () => Deno.writeTextFile(forbidden, ""),
  "remove elsewhere": () => Deno.remove(forbidden),
  "open another library": () => Deno.dlopen("/lib64/ld-linux-x86-64.so.2", {}),
  "open the same library again": () => Deno.dlopen(LIBC_PATHS[0], {}),
  "read any variable": () => Deno.env.get("HOME"),
  "signal any process": () => Deno.kill(1, "SIGCONT"),
  "ask for a permission": () => granted({ name: "run" }),
  "ask for the library's permission back": () => granted({ name: "ffi" }),
};

const outcomes: Record<string, string> = {};
for (const [attempt, act] of Object.entries(ATTEMPTS)) outcomes[attempt] = await outcomeOf(act);
console.log(JSON.stringify(outcomes));

async function outcomeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    return error instanceof Deno.errors.NotCapable ? "not allowed" : String(error);
  }
}

/** With the opened library, which must allow one of them, or with Deno itself. */
function readAll(...paths: string[]): void {
  if (paths.some((path) => libc!.readKernelFile(path) !== null)) return;
  paths.forEach((path) => Deno.readTextFileSync(path));
}

async function granted(descriptor: Deno.PermissionDescriptor): Promise<void> {
  const { state } = await Deno.permissions.request(descriptor);
  if (state !== "granted") throw new Deno.errors.NotCapable(state);
}
