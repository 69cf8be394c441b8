/** The C library's answers, and that nothing else can be opened after it. */
import assert from "node:assert/strict";
import { type Libc, LIBC_PATHS, openLibc } from "../../../lib/system/libc.ts";
import { waitFor } from "../../support/wait.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

// The permission is revoked for the whole file, so all tests share one library.
const libc = await openLibc();

Deno.test("nothing else can be opened after the library", () => {
  assert.throws(() => Deno.dlopen(LIBC_PATHS[0], {}), Deno.errors.NotCapable);
});

Deno.test("without the permission there is no library, and no error", async () => {
  assert.equal(await openLibc(), null);
});

Deno.test("a mount root is distinguished from paths below it", () => {
  assert.equal(opened().isMountRoot("/"), true);
  assert.equal(opened().isMountRoot("/proc"), true);
  assert.equal(opened().isMountRoot("/proc/self/status"), false);
  assert.equal(opened().isMountRoot(import.meta.filename!), false);
  assert.equal(opened().isMountRoot("/no/such/file"), false);
});

Deno.test("no ended child is reported if there is none", () => {
  assert.equal(opened().endedChild(), null);
});

Deno.test("a file that can only give an error counts as writable", () => {
  const NOT_OPEN = 1_000_000;
  assert.equal(opened().isWritable(NOT_OPEN), true);
});

Deno.test("only the kernel's files about memory, processes, locks and load are read, and whole", async () => {
  assert.match(opened().readKernelFile("/proc/self/cgroup") ?? "", /^\d+:.*:\/.*\n$/m);
  assert.match(opened().readKernelFile(`/proc/${Deno.pid}/status`) ?? "", /^RssAnon:\s+\d+ kB$/m);
  assert.equal(typeof opened().readKernelFile("/proc/locks"), "string");
  assert.match(opened().readKernelFile("/proc/loadavg") ?? "", /^[\d.]+ [\d.]+ [\d.]+ \d+\/\d+ /);
  const { stdout } = await new Deno.Command("cat", { args: ["/proc/self/mountinfo"] }).output();
  const mounts = new TextDecoder().decode(stdout);
  assert.equal(opened().readKernelFile("/proc/self/mountinfo"), mounts);
  const others = [
    ...["/proc/self/environ", "/proc/self/status", "/proc/1/environ", "/proc/1/statusx"],
    ...[
      "/proc/self/mem",
      "/proc/locks/x",
      "/etc/passwd",
      "/sys/kernel/notes",
      "/etc/memory.max.key",
    ],
    ...["/proc/self/root/proc/self/cgroup", "/tmp/x/memory.maximum", ""],
  ];
  for (const path of others) assert.equal(opened().readKernelFile(path), null, path);
  await using folder = new TempFolder();
  const long = "x".repeat(100_000);
  assert.equal(opened().readKernelFile(folder.write("memory.stat", long)), long);
  const huge = folder.write("memory.current", "x".repeat((1 << 20) + 1));
  assert.equal(opened().readKernelFile(huge), null);
  assert.equal(opened().readKernelFile(folder.at("memory.max")), null);
  await Deno.mkdir(folder.at("memory.max"));
  assert.equal(opened().readKernelFile(folder.at("memory.max")), null);
});

Deno.test("a directory is locked by one at a time, until it is unlocked", async () => {
  await using folder = new TempFolder();
  const unlock = opened().lockDirectory(folder.path);
  assert.notEqual(unlock, null);
  assert.equal(opened().lockDirectory(folder.path), null);
  unlock!();
  const again = opened().lockDirectory(folder.path);
  assert.notEqual(again, null);
  again!();
  assert.equal(opened().lockDirectory(folder.at("none")), null);
});

Deno.test("a process gets a signal only by one of its arguments", async () => {
  const words = ["-c", "sleep 60; :", "its name"];
  const child = new Deno.Command("sh", { args: words, stdin: "null" }).spawn();
  const { pid } = child;
  const { commandLine, signalNamed } = opened();
  // It has no arguments before its exec of `sh`.
  await waitFor("its words", () => commandLine(pid).length > 0);
  assert.deepEqual(commandLine(pid).slice(1), [...words, ""]);
  assert.equal(signalNamed(pid, "another", 9), "gone");
  assert.equal(signalNamed(pid, "its name", 0), "sent");
  assert.equal(signalNamed(pid, "its name", 15), "sent");
  assert.equal((await child.status).signal, "SIGTERM");
  assert.equal(signalNamed(pid, "its name", 0), "gone");
  for (const none of [0, -1, 1.5, NaN, pid]) assert.deepEqual(commandLine(none), []);
});

Deno.test("trimming memory does no harm", () => {
  opened().trimMemory();
  assert.equal(opened().endedChild(), null);
});

function opened(): Libc {
  assert.notEqual(libc, null, "the C library could not be opened");
  return libc!;
}
