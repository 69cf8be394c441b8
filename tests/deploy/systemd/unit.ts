/** The unit and its drop-in, and what this machine's systemd is. */
import { join } from "@std/path";
import type { Need } from "../../support/needs.ts";

export const FOLDER = import.meta.dirname!;
export const UNIT = Deno.readTextFileSync(join(FOLDER, "haproxy-reload-wrapper.service"));
export const DROP_IN = Deno.readTextFileSync(join(FOLDER, "before-systemd-253.conf"));

/** The values of a key, in order. */
export const valuesOf = (key: string, text = UNIT): readonly string[] =>
  [...text.replaceAll("\\\n", " ").matchAll(new RegExp(`^${key}=(.*)$`, "gm"))]
    .map(([, value]) => value!.replace(/\s+/g, " "));

export const SYSTEMD = "/usr/lib/systemd/systemd";

/** `null`: there is none. */
export function systemdVersion(): number | null {
  try {
    const { stdout } = new Deno.Command(SYSTEMD, { args: ["--version"] }).outputSync();
    return Number(/^systemd (\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? 0);
  } catch {
    return null;
  }
}

export const VERIFIABLE: Need = {
  missing: systemdVersion() === null ? "needs systemd" : null,
  isOptional: true,
};

/** Whether it does not know Type=notify-reload. */
export const IS_OLD = (systemdVersion() ?? 0) < 253;
