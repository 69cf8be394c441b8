/** The unit and its drop-in, and what this machine's systemd is. */
import { join } from "@std/path";

export const FOLDER = import.meta.dirname!;
export const UNIT = Deno.readTextFileSync(join(FOLDER, "haproxy-reload-wrapper.service"));
export const DROP_IN = Deno.readTextFileSync(join(FOLDER, "before-systemd-253.conf"));

/** The values of a key, in order. */
export const valuesOf = (key: string, text = UNIT): readonly string[] =>
  [...text.replaceAll("\\\n", " ").matchAll(new RegExp(`^${key}=(.*)$`, "gm"))]
    .map(([, value]) => value!.replace(/\s+/g, " "));

/**
 * The root of the Debian whose systemd runs the unit; `debootstrap --include=systemd,haproxy,procps SUITE DIRECTORY`
 * makes another one than this machine's.
 */
export const SYSTEMD_ROOT = Deno.env.get("SYSTEMD_ROOT") ?? "/";

const SYSTEMD = "/usr/lib/systemd/systemd";

/** `null`: there is none. */
export function systemdVersion(root: string): number | null {
  const [program, ...args] = root === "/" ? [SYSTEMD] : ["chroot", root, SYSTEMD];
  try {
    const command = new Deno.Command(program!, { args: [...args, "--version"] });
    const text = new TextDecoder().decode(command.outputSync().stdout);
    return Number(/^systemd (\d+)/.exec(text)?.[1]) || null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The first that knows Type=notify-reload. */
export const NOTIFY_RELOAD = 253;
