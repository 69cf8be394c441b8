/**
 * A machine of namespaces, with a real systemd as its process 1: it has the executable, Debian's haproxy, and the unit.
 * Its network is the host's; its mounts and control groups are its own, and end with it. Its files are the host's, or
 * those of another Debian that SYSTEMD_ROOT names.
 */
import { join } from "@std/path";
import { childrenOf } from "../../support/machine/processes.ts";
import { EXECUTABLE } from "../../support/wrapper/program.ts";
import { Running } from "../../support/wrapper/running.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { waitFor } from "../../support/wait.ts";
import { DROP_IN, SYSTEMD_ROOT, UNIT } from "./unit.ts";

const NAME = "haproxy-reload-wrapper";

/** What the unit depends on, without what else a machine starts. */
const TARGETS = ["nothing", "sysinit", "basic", "network-online", "shutdown"];

export interface MachineOptions {
  /** HAProxy's configuration, behind the one that Debian's package has. */
  readonly configuration: string;
  /** Whether its systemd is older than 253. */
  readonly isOld: boolean;
  /** A further drop-in. */
  readonly edited?: string;
}

export class Machine implements AsyncDisposable {
  readonly #folder = new TempFolder();
  readonly #cgroup = join(cgroup2(), `hrw-test-${crypto.randomUUID()}`);
  readonly #running: Running;
  #systemd = 0;

  private constructor({ configuration, isOld, edited = "" }: MachineOptions) {
    const write = (name: string, text: string) => this.#folder.write(`units/${name}`, text);
    write(`${NAME}.service`, UNIT);
    if (isOld) write(`${NAME}.service.d/before-systemd-253.conf`, DROP_IN);
    const output = ["Output", "Error"].map((name) => `Standard${name}=append:/run/log\n`);
    write(`${NAME}.service.d/log.conf`, `[Service]\n${output.join("")}`);
    write(`${NAME}.service.d/override.conf`, edited);
    TARGETS.forEach((name) => write(`${name}.target`, "[Unit]\nDefaultDependencies=no\n"));
    this.#folder.write("haproxy.cfg", configuration);
    Deno.mkdirSync(this.#cgroup);
    const places = [this.#folder.path, this.#cgroup, EXECUTABLE, SYSTEMD_ROOT];
    const words = ["sh", "-ec", BOOT, "sh", ...places, BOOT_IN_ROOT];
    this.#running = new Running(words as [string, ...string[]]);
  }

  static async boot(options: MachineOptions): Promise<Machine> {
    const machine = new Machine(options);
    try {
      await machine.#isUp();
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a command in it and returns its exit status and output. */
  async run(...words: readonly string[]): Promise<{ status: number; output: string }> {
    const enter = ["nsenter", "-t", String(this.#systemd), "-m", "-p", "-C", "-r", "-w", "--"];
    const running = new Running([...enter, ...words] as unknown as [string, ...string[]]);
    return { status: await running.exitCode, output: running.output };
  }

  async systemctl(...words: readonly string[]): Promise<{ status: number; output: string }> {
    return await this.run("systemctl", ...words, NAME);
  }

  /** A property of the unit. */
  async show(property: string): Promise<string> {
    return (await this.systemctl("show", "--value", "--property", property)).output.trim();
  }

  /** What wrapper and HAProxy have written. */
  async log(): Promise<string> {
    return (await this.run("cat", "/run/log")).output;
  }

  /** Replaces Debian's configuration followed by `text`. */
  async configure(text: string): Promise<void> {
    this.#folder.write("haproxy.cfg", text);
    const command = "cat /run/c/debian.cfg /mnt/haproxy.cfg > /etc/haproxy/new && " +
      "mv /etc/haproxy/new /etc/haproxy/haproxy.cfg";
    const { status, output } = await this.run("sh", "-c", command);
    if (status !== 0) throw new Error(output);
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    let last = "";
    await waitFor(what, async () => {
      last = await this.log();
      return await holds();
    }, { explain: () => last });
  }

  async #isUp(): Promise<void> {
    await waitFor("systemd", async () => {
      this.#systemd = Number(childrenOf(this.#running.child.pid)[0] ?? 0);
      return this.#systemd > 0 &&
        (await this.run("systemctl", "is-active", "nothing.target")).status === 0;
    }, { explain: () => this.#running.output });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running.child.kill("SIGKILL");
    await this.#running.exitCode;
    await waitFor("the control groups to be empty", () => removeGroups(this.#cgroup));
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Where the hierarchy of version 2 is mounted: elsewhere than usual beside version 1. */
function cgroup2(): string {
  const mounts = Deno.readTextFileSync("/proc/mounts").split("\n").map((line) => line.split(" "));
  const [, path] = mounts.find(([, , type]) => type === "cgroup2") ?? [];
  if (path === undefined) throw new Error("there is no cgroup2 in /proc/mounts");
  return path;
}

/** Innermost first; `false` while a process is left in one. */
function removeGroups(path: string): boolean {
  try {
    const inner = [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory);
    if (!inner.every(({ name }) => removeGroups(join(path, name)))) return false;
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    return false;
  }
}

/** Its arguments: the folder, the control group, the executable and the root. */
const BOOT = `
echo $$ > "$2/cgroup.procs"
exec unshare --fork --kill-child --pid --mount --uts --ipc --cgroup --propagation private sh -ec '
  if [ "$3" != / ]; then
    mount --bind "$3" "$3"
    mount --rbind /sys "$3/sys"
    mount --rbind /dev "$3/dev"
  fi
  mount --bind "$1" "$3/mnt"
  mount -t proc proc "$3/proc"
  mount -t tmpfs tmpfs "$3/usr/local/bin"
  touch "$3/usr/local/bin/${NAME}"
  mount --bind "$2" "$3/usr/local/bin/${NAME}"
  exec chroot "$3" sh -ec "$4"
' sh "$1" "$3" "$4" "$5"
`;

/** The same, in the root. */
const BOOT_IN_ROOT = `
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount -t tmpfs -o mode=755 tmpfs /var/lib/haproxy
install -d -o haproxy -g haproxy -m 2775 /run/haproxy
mkdir /run/c
cp -a /etc/haproxy/. /run/c/
mv /run/c/haproxy.cfg /run/c/debian.cfg
cat /run/c/debian.cfg /mnt/haproxy.cfg > /run/c/haproxy.cfg
mount --bind /run/c /etc/haproxy
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test SYSTEMD_UNIT_PATH=/mnt/units \\
  /usr/lib/systemd/systemd --system --unit=nothing.target --show-status=0
`;
