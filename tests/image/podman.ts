/** Builds images with buildah and runs containers with podman, as root. */
import { join } from "@std/path";
import { Running } from "../process/running.ts";
import { childrenOf } from "../process/wrapper.ts";
import { testNeeding } from "../requirements.ts";

const ROOT = join(import.meta.dirname!, "../..");

/** Registers a test that builds images and runs containers. */
export const imageTest: ReturnType<typeof testNeeding> = imageTestNeeding(null);

/** Makes the function that registers such tests with a need of their own, or with further programs. */
export function imageTestNeeding(
  missing: string | null,
  programs: readonly string[] = [],
): ReturnType<typeof testNeeding> {
  const lacking = ["buildah", "podman", "runc", ...programs].find((one) => !isInstalled(one));
  return testNeeding(
    Deno.uid() !== 0 ? "needs root" : lacking !== undefined ? `needs ${lacking}` : missing,
  );
}

/** Settings that also do where nothing but the kernel is there: no systemd, no bridge, no raised limits. */
const PODMAN = ["podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs"] as const;
const LIMITS = ["--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1000:1000"];

/** Ubuntu 24.04's profile for containers lets neither SIGHUP nor SIGUSR1 through from podman. */
const APPARMOR = ["--security-opt", "apparmor=unconfined"];

/** Runs a command to its end and gives what it printed. */
export async function output(words: readonly string[]): Promise<string> {
  const running = new Running(words as [string, ...string[]]);
  const exitCode = await running.exitCode;
  if (exitCode !== 0) {
    throw new Error(`${words.join(" ")}: exited with ${exitCode}\n${running.output}`);
  }
  return running.output;
}

export async function build(image: string, words: readonly string[]): Promise<void> {
  const options = ["--isolation", "chroot", "--tag", image, ...await standInOptions()];
  await output(["buildah", "bud", ...options, ...words]);
}

/** An image that only stands in for the one which the Containerfile pins has another digest. */
async function standInOptions(): Promise<readonly string[]> {
  const containerfile = await Deno.readTextFile(join(ROOT, "Containerfile"));
  const name = /(docker\.io\S+)\$\{DENO_DIGEST\}/.exec(containerfile)![1]!;
  const isThere = await output(["buildah", "inspect", "--type", "image", name])
    .then(() => true, () => false);
  return isThere ? ["--build-arg", "DENO_DIGEST="] : [];
}

export interface ContainerOptions {
  readonly image: string;
  /** Further options of `podman run`. */
  readonly options?: readonly string[];
  /** What comes after the image's name. */
  readonly args?: readonly string[];
}

/** A container on the host's network; its output is what the wrapper and HAProxy write. */
export class Container extends Running implements AsyncDisposable {
  readonly name: string;

  constructor({ image, options = [], args = [] }: ContainerOptions) {
    const name = `hrw-test-${crypto.randomUUID()}`;
    const run = ["run", "--name", name, "--network", "host", "--pull", "never"];
    super([...PODMAN, ...run, ...LIMITS, ...APPARMOR, ...options, image, ...args]);
    this.name = name;
  }

  /** Runs `podman COMMAND … NAME`. */
  async podman(...words: readonly string[]): Promise<string> {
    return await output([...PODMAN, ...words, this.name]);
  }

  /** The pid, as we see it, of the first process that the wrapper has started. */
  async haproxyPid(): Promise<number> {
    const wrapper = await this.podman("inspect", "--format", "{{.State.Pid}}");
    return Number(childrenOf(Number(wrapper))[0]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.podman("rm", "--force", "--time", "0", "--volumes");
    await this.exitCode;
  }
}

function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
