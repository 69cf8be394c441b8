/** What the machine and the network can refuse for a while: ports and names. */
import { command } from "../world/command.ts";
import type { Fault } from "../fault.ts";
import { ROOT } from "../../support/needs.ts";

const EXITS = { tag: "rejected", reason: /haproxy exited with 1 before it was ready/ } as const;

function portTaken(): Fault {
  let listener: Deno.TcpListener | null = null;
  return {
    name: "a port is taken, and released",
    expects: EXITS,
    async inject(world) {
      listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      await world.change(
        `frontend taken\n    mode http\n    bind 127.0.0.1:${listener.addr.port}\n`,
      );
    },
    heal: () => Promise.resolve(listener!.close()),
  };
}

const NAME_UNKNOWN: Fault = {
  name: "a name does not resolve, and comes back",
  needs: ROOT,
  expects: EXITS,
  async inject(world) {
    await Deno.writeTextFile(world.hosts, "127.0.0.1 localhost\n");
    await world.change("backend named\n    server one backend.internal:80\n");
  },
  heal: (world) =>
    Deno.writeTextFile(world.hosts, "127.0.0.1 localhost\n127.0.0.1 backend.internal\n"),
};

/** With its directory, as when a volume is remounted. */
const DIRECTORY_REPLACED: Fault = {
  name: "the directory of the configuration is replaced",
  expects: { tag: "served" },
  async inject(world) {
    await command("rm", "-r", world.configurationDirectory);
    await Deno.mkdir(world.configurationDirectory);
    await world.change();
  },
};

export const SURROUNDINGS_FAULTS = (): readonly Fault[] => [
  portTaken(),
  NAME_UNKNOWN,
  DIRECTORY_REPLACED,
];
