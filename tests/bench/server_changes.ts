/** Measures the time from another server in the configuration to the first answer by it. */
import { ask } from "../../lib/haproxy/runtime/client.ts";
import { SILENCED } from "../support/haproxy/bare.ts";
import { Client } from "../support/measuring/client.ts";
import { nowMs } from "../support/measuring/clock.ts";
import { pause } from "../support/wait.ts";
import { Workspace, type Wrapper } from "../support/wrapper/wrapper.ts";
import { serveBare } from "./contestants.ts";
import { type Samples, takeTurns } from "./rounds.ts";

export interface ServerContest {
  readonly rounds: number;
  readonly backends?: number;
  /** What the wrapper is compared with: the same command by hand, or the wrapper that reloads. */
  readonly beside: "command" | "reload";
}

/** HAProxy in front of two servers, of which the configuration names one. */
interface Front {
  readonly workspace: Workspace;
  /** Makes the change, and resolves when it has been noticed. */
  readonly change: (text: string, address: string) => () => Promise<unknown>;
}

export async function measureServers(
  room: AsyncDisposableStack,
  { rounds, backends = 0, beside }: ServerContest,
): Promise<Samples> {
  const client = room.use(new Client());
  const upstreams = [new Upstream(room), new Upstream(room)];
  const textOf = (workspace: Workspace, address: string) =>
    configuration(workspace, { address, backends });
  const starts = [
    startWrapper(room, []),
    beside === "command" ? startByCommands(room) : startWrapper(room, ["--no-hot-apply"]),
  ];
  const [wrapper, other] = await Promise.all(
    starts.map((start) => start((workspace) => textOf(workspace, upstreams[0]!.address))),
  );
  const turns = [wrapper!, other!].map(({ workspace, change }) => {
    let turn = 0;
    return async () => {
      const { address, name } = upstreams[++turn % 2]!;
      const make = change(textOf(workspace, address), address);
      const served = client.firstServed({ port: workspace.port, wanted: name });
      // As in `latency.ts`.
      await pause(40 + 20 * Math.random());
      const changedMs = nowMs();
      const noticed = make();
      const servedMs = await served;
      await noticed;
      return servedMs - changedMs;
    };
  });
  return await takeTurns(rounds, { wrapper: turns[0]!, byHand: turns[1]! });
}

class Upstream {
  readonly name = crypto.randomUUID();
  readonly address: string;

  constructor(room: AsyncDisposableStack) {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    const server = Deno.serve(options, () => new Response(this.name));
    room.defer(() => server.shutdown());
    this.address = `127.0.0.1:${server.addr.port}`;
  }
}

/** Each backend has two servers and what is usual around them. */
function configuration(
  { port, runtimeDirectory }: Workspace,
  { address, backends }: { readonly address: string; readonly backends: number },
): string {
  const others = Array.from({ length: backends }, (_, number) =>
    `backend number-${number}
    balance roundrobin
    option httpchk GET /health
    http-request set-header x-number ${number}
    server s1 127.0.0.1:9 weight 10 maxconn 100
    server s2 127.0.0.1:9 weight 10 maxconn 100
`);
  return `global
    stats socket ${runtimeDirectory}/admin.sock level admin
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend page
    bind 127.0.0.1:${port}
    default_backend app
backend app
    balance roundrobin
    http-reuse always
    server s1 ${address}
${others.join("")}`;
}

type Start = (textOf: (workspace: Workspace) => string) => Promise<Front>;

const startWrapper =
  (room: AsyncDisposableStack, flags: readonly string[]): Start => async (textOf) => {
    const workspace = room.use(new Workspace());
    Deno.writeTextFileSync(workspace.configuration, textOf(workspace));
    const wrapper = await workspace.serve({ launcher: SILENCED, flags });
    return {
      workspace,
      change: (text) => {
        const replace = workspace.prepareToReplace(text);
        const read = wrapper.output.length;
        return () => {
          replace();
          return isOver(wrapper, read);
        };
      },
    };
  };

/** The change is live, and of a reload the old process gone. */
async function isOver(wrapper: Wrapper, read: number): Promise<void> {
  await wrapper.says(/without a reload in|generation \d+ drained/, read);
}

const startByCommands = (room: AsyncDisposableStack): Start => async (textOf) => {
  const workspace = room.use(new Workspace());
  Deno.writeTextFileSync(workspace.configuration, textOf(workspace));
  await serveBare(workspace);
  const socket = `${workspace.runtimeDirectory}/admin.sock`;
  return {
    workspace,
    change: (_, address) => {
      const [ip, port] = address.split(":");
      return () =>
        ask(socket, `set server app/s1 addr ${ip} port ${port}`, new AbortController().signal);
    },
  };
};
