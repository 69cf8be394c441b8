/** Measures the time from other weights of two servers in the configuration to the first answer by the other one. */
import { ask } from "../../lib/haproxy/runtime/client.ts";
import { SILENCED } from "../support/haproxy/bare.ts";
import { Client } from "../support/measuring/client.ts";
import { nowMs } from "../support/measuring/clock.ts";
import { pause } from "../support/wait.ts";
import { Workspace } from "../support/wrapper/workspace.ts";
import type { Wrapper } from "../support/wrapper/wrapper.ts";
import { serveBare } from "./contestants.ts";
import { type Samples, takeTurns } from "./rounds.ts";

export interface ServerContest {
  readonly rounds: number;
  readonly backends?: number;
  /** What the wrapper is compared with: the same command by hand, or the wrapper that reloads. */
  readonly beside: "command" | "reload";
}

/** HAProxy in front of two servers, of which one at a time has a weight. */
interface Front {
  readonly workspace: Workspace;
  /** Makes the change, and resolves when it has been noticed. */
  readonly change: (text: string, serving: number) => () => Promise<unknown>;
}

export async function measureServers(
  room: AsyncDisposableStack,
  { rounds, backends = 0, beside }: ServerContest,
): Promise<Samples> {
  const client = room.use(new Client());
  const upstreams = [new Upstream(room), new Upstream(room)];
  const textOf = (workspace: Workspace, serving: number) =>
    configuration(workspace, { upstreams, serving, backends });
  const starts = [
    startWrapper(room, []),
    beside === "command" ? startByCommands(room) : startWrapper(room, ["--no-hot-apply"]),
  ];
  const [wrapper, other] = await Promise.all(
    starts.map((start) => start((workspace) => textOf(workspace, 0))),
  );
  const turns = [wrapper!, other!].map(({ workspace, change }) => {
    let turn = 0;
    return async () => {
      const serving = ++turn % 2;
      const make = change(textOf(workspace, serving), serving);
      const { name: wanted } = upstreams[serving]!;
      const served = client.firstServed({ port: workspace.port, wanted });
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
  { upstreams, serving, backends }: {
    readonly upstreams: readonly Upstream[];
    readonly serving: number;
    readonly backends: number;
  },
): string {
  const servers = upstreams.map(({ address }, at) =>
    `    server s${at} ${address} weight ${weightOf(at, serving)}`
  );
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
${servers.join("\n")}
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
    change: (_, serving) => {
      // Never both at 0.
      const commands = [serving, 1 - serving].map((at) =>
        `set server app/s${at} weight ${weightOf(at, serving)}`
      );
      return () => ask(socket, commands.join(";"), new AbortController().signal);
    },
  };
};

const weightOf = (at: number, serving: number) => at === serving ? 10 : 0;
