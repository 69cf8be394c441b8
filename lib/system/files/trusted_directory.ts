/**
 * The one rule by which a directory is trusted: only root, our own user and the owner of `/` can replace it or a
 * directory above it. A directory that others may write to must be sticky, like `/tmp`. The root of a mount is exempt:
 * Kubernetes makes an `emptyDir` 0777, and a volume with an `fsGroup` 2775, without the sticky bit. Every container
 * that mounts such a volume is trusted.
 */
import { dirname } from "@std/path";
import { mkdir } from "./files.ts";
import { followLinks } from "./link_chain.ts";

/** A directory or link on the way, or something else in its place. */
export interface Step {
  readonly path: string;
  readonly info: Pick<Deno.FileInfo, "isDirectory" | "isSymlink" | "uid" | "mode" | "dev">;
}

export type Trust =
  | { readonly tag: "trusted" }
  /** The part of the path that exists can be trusted. */
  | { readonly tag: "missing"; readonly reason: string }
  | { readonly tag: "distrusted"; readonly reason: string };

/** Whether the absolute `path` can be trusted, link by link as the kernel follows it. */
export async function trustIn(path: string, user: number): Promise<Trust> {
  const steps: Step[] = [];
  const { end } = await followLinks(path, (step, info) => steps.push({ path: step, info }));
  const reason = findDistrust(steps, user);
  if (reason !== null) return { tag: "distrusted", reason };
  switch (end.tag) {
    case "found":
      return { tag: "trusted" };
    case "missing":
      return { tag: "missing", reason: end.reason };
    case "unreadable":
      return { tag: "distrusted", reason: end.reason };
    default:
      return end satisfies never;
  }
}

/**
 * Makes a directory, and any missing ones above it, for our own user alone.
 * @returns why it cannot be trusted; `null` if it can
 * @throws the system's error if it cannot be made
 */
export async function makeTrusted(path: string, user: number): Promise<string | null> {
  const trust = await trustIn(path, user);
  if (trust.tag !== "missing") return reasonOf(trust);
  const above = await makeTrusted(dirname(path), user);
  if (above !== null) return above;
  try {
    // This follows no link; a directory that somebody else has made meanwhile is checked below.
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return reasonOf(await trustIn(path, user));
}

const reasonOf = (trust: Trust) => trust.tag === "trusted" ? null : trust.reason;

/**
 * Why `user` cannot trust the last of `steps`, which begin with `/`; `null` if it can. A user namespace shows all users
 * outside it, even root, as one owner, so the owner of `/` is trusted. Pure.
 */
export function findDistrust(steps: readonly Step[], user: number): string | null {
  const devices = new Map(steps.map(({ path, info }) => [path, info.dev]));
  const trusted = new Set([0, user, steps[0]?.info.uid]);
  for (const { path, info } of steps) {
    const { isDirectory, isSymlink, uid, mode } = info;
    if (!isDirectory && !isSymlink) return `"${path}" is not a directory`;
    if (!trusted.has(uid!)) {
      return `"${path}" belongs to user ${uid}, who could replace what is in it, wanted root or ` +
        `user ${user}: give it to one of them, or name another directory`;
    }
    const isMountRoot = path === "/" || info.dev !== devices.get(dirname(path));
    const isOpen = (mode! & 0o022) !== 0 && (mode! & 0o1000) === 0;
    if (isDirectory && isOpen && !isMountRoot) {
      return `others may write to "${path}", which has mode ${octal(mode!)}: take that away ` +
        '("chmod go-w"), make it sticky ("chmod +t"), or name another directory';
    }
  }
  return null;
}

/** As `chmod` takes a mode. */
export const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, "0");
