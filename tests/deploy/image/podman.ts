/** Builds images with buildah and runs containers with podman, as root. */
import { join } from "@std/path";
import { Running } from "../../support/wrapper/running.ts";
import { childrenOf } from "../../support/machine/processes.ts";
import { installed, type Need, ROOT } from "../../support/needs.ts";

const FOLDER = join(import.meta.dirname!, "../../..");

/** What it takes to build on `bases` and to run containers. */
export async function containers(bases: readonly string[]): Promise<readonly Need[]> {
  const needs: readonly Need[] = [ROOT, ...["buildah", "podman", "runc"].map(installed)];
  if (needs.some(({ missing }) => missing !== null)) return needs;
  const unreachable = await Promise.all(bases.map(whyNotThere));
  return unreachable.map((missing) => ({ missing }));
}

/** Why the image is neither stored nor can be pulled; else `null`. */
async function whyNotThere(image: string): Promise<string | null> {
  if (await isStored(image)) return null;
  const pulled = await output(["buildah", "pull", "--quiet", image]).catch((error: Error) => error);
  if (typeof pulled === "string") return null;
  const reason = pulled.message.trimEnd().split("\n").at(-1)!;
  return `needs the image ${image}, which cannot be pulled: ${reason}`;
}

/** The image that the Containerfile compiles in: a stored stand-in, or the one with the pinned digest. */
export async function compilingBase(): Promise<string> {
  const { tagged, pinned } = await compilingImages();
  return await isStored(tagged) ? tagged : pinned;
}

/** Settings that work with just a kernel: no systemd, no bridge, no raised limits. */
const PODMAN = ["podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs"] as const;
const LIMITS = ["--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1000:1000"];

/** Ubuntu 24.04's profile for containers lets neither SIGHUP nor SIGUSR1 through from podman. */
const APPARMOR = ["--security-opt", "apparmor=unconfined"];

/** Runs a command and returns what it printed. */
export async function output(words: readonly string[]): Promise<string> {
  const running = new Running(words as [string, ...string[]]);
  const exitCode = await running.exitCode;
  if (exitCode !== 0) {
    throw new Error(`${words.join(" ")}: exited with ${exitCode}\n${running.output}`);
  }
  return running.output;
}

const built: string[] = [];

/** Builds an image with a unique name, which is removed after the tests of the file. */
export async function build(name: string, words: readonly string[]): Promise<string> {
  const image = `${name}-${crypto.randomUUID()}`;
  const options = ["--isolation", "chroot", "--tag", image, ...await standInOptions()];
  await output(["buildah", "bud", ...options, ...words]);
  built.push(image);
  return image;
}

Deno.test.afterAll(async () => {
  for (const image of built.toReversed()) await output(["buildah", "rmi", "--force", image]);
});

/** A stand-in for the image that the Containerfile pins has another digest. */
async function standInOptions(): Promise<readonly string[]> {
  const { tagged } = await compilingImages();
  return await isStored(tagged) ? ["--build-arg", "DENO_DIGEST="] : [];
}

/** The Containerfile's Deno image, by tag and by digest: no name may have both. */
async function compilingImages(): Promise<{ readonly tagged: string; readonly pinned: string }> {
  const containerfile = await Deno.readTextFile(join(FOLDER, "Containerfile"));
  const [, name, tag] = /(docker\.io\S+):(\S+)\$\{DENO_DIGEST\}/.exec(containerfile)!;
  const [, digest] = /^ARG DENO_DIGEST=(\S+)$/m.exec(containerfile)!;
  return { tagged: `${name}:${tag}`, pinned: `${name}${digest}` };
}

async function isStored(image: string): Promise<boolean> {
  const words = ["buildah", "inspect", "--type", "image", image];
  return await output(words).then(() => true, () => false);
}

export interface ContainerOptions {
  readonly image: string;
  /** Further options of `podman run`. */
  readonly options?: readonly string[];
  /** What comes after the image's name. */
  readonly args?: readonly string[];
  /** Variables of podman itself. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A container on the host's network; its output is what the wrapper and HAProxy write. */
export class Container extends Running implements AsyncDisposable {
  readonly name: string;

  constructor({ image, options = [], args = [], env = {} }: ContainerOptions) {
    const name = `hrw-test-${crypto.randomUUID()}`;
    const run = ["run", "--name", name, "--network", "host", "--pull", "never"];
    super([...PODMAN, ...run, ...LIMITS, ...APPARMOR, ...options, image, ...args], { env });
    this.name = name;
  }

  /** Runs `podman COMMAND … NAME`. */
  async podman(...words: readonly string[]): Promise<string> {
    return await output([...PODMAN, ...words, this.name]);
  }

  /** Runs a command in the container, and throws what it printed if it fails. */
  async exec(...words: readonly string[]): Promise<string> {
    return await output([...PODMAN, "exec", this.name, ...words]);
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
