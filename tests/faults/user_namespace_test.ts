/** Faults that only an unprivileged wrapper meets: it runs as root of a user namespace of its own. */
import { command } from "./world/command.ts";
import type { Fault } from "./fault.ts";
import { testFamily } from "./family.ts";
import { ROOT } from "../support/needs.ts";
import { World } from "./world/world.ts";

/** Not in the namespace, so its root cannot read this user's files. */
const STRANGER = 12_345;

const UNREADABLE: Fault = {
  name: "the configuration may not be read",
  needs: ROOT,
  async inject(world) {
    const path = world.at("unreadable");
    await Deno.writeTextFile(path, world.nextPage(), { mode: 0o600 });
    await Deno.chown(path, STRANGER, STRANGER);
    await Deno.rename(path, world.configuration);
  },
  heal: (world) => Deno.chmod(world.configuration, 0o644),
  expects: {
    tag: "awaited",
    line: /cannot read .*Permission denied; until that can be read again/,
  },
};

const WATCHES_LACK: Fault = {
  name: "no further directory can be watched",
  needs: ROOT,
  async inject(world) {
    await limitWatches(world, 0);
    await command("rm", "-r", world.configurationDirectory);
    await Deno.mkdir(world.configurationDirectory);
    await world.change();
  },
  heal: (world) => limitWatches(world, 10_000),
  expects: { tag: "served", line: /cannot watch for file events.*"fs.inotify.max_user_watches"/ },
};

testFamily(
  "a user namespace",
  [UNREADABLE, WATCHES_LACK],
  () => World.serving([], { launcher: ["unshare", "--user", "--map-root-user"] }),
);

async function limitWatches({ wrapper }: World, limit: number): Promise<void> {
  const script = `echo ${limit} > /proc/sys/user/max_inotify_watches`;
  await command("nsenter", "--user", `--target=${wrapper.pid}`, "sh", "-c", script);
}
