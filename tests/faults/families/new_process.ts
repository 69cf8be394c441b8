/** What can happen to the new process at each point of a handoff, until the old one is told to stop. */
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { pause } from "../../support/wait.ts";
import type { Fault } from "../fault.ts";
import { type Exchange, type Meddle, pidOf, StatsProxy } from "../world/stats_proxy.ts";
import { freeze, killQuietly } from "../../support/machine/processes.ts";
import type { World } from "../world/world.ts";

/** A change while a proxy changes the next generation's answers; `undo` comes before the proxy ends. */
export function meddled(
  name: string,
  makeMeddle: (world: World) => Meddle | Promise<Meddle>,
  more: Pick<Fault, "expects" | "stalls" | "cuts"> & { readonly undo?: (world: World) => void },
): Fault {
  let proxy: StatsProxy | null = null;
  const { undo, ...rest } = more;
  return {
    ...rest,
    name,
    async inject(world) {
      proxy = await StatsProxy.begin(world, await makeMeddle(world));
      await world.change();
    },
    async heal(world) {
      undo?.(world);
      await proxy?.end();
    },
  };
}

/** Does something once, right after the new process's first answer. */
export const afterFirstAnswer =
  (act: (pid: number, exchange: Exchange) => unknown): Meddle => async (exchange) => {
    if (exchange.number === 1) await act(pidOf(exchange), exchange);
    return exchange.answer;
  };

/** One of its threads could answer the wrapper again before another one takes the signal. */
async function signalAndWait(pid: number, signal: Deno.Signal, exchange: Exchange): Promise<void> {
  Deno.kill(pid, signal);
  await exchange.untilItStops();
}

const signalsAtReady = (signal: Deno.Signal, reason: RegExp): Fault =>
  meddled(
    `the new process gets ${signal} when it has answered, before the old one is asked to stop`,
    () => afterFirstAnswer((pid, exchange) => signalAndWait(pid, signal, exchange)),
    { expects: { tag: "rejected", reason }, cuts: signal !== "SIGUSR1" },
  );

const killedBefore = (name: string, standIn: string, cuts = false): Fault => ({
  name,
  cuts,
  async inject(world) {
    await world.standIn(standIn);
    await world.change();
  },
  heal: (world) => world.standIn(STAND_INS.is_haproxy),
  expects: { tag: "rejected", reason: /haproxy was killed by SIGKILL before it was ready/ },
});

function frozenAtReady(): Fault {
  let frozen: number | null = null;
  return meddled(
    "the new process is frozen when it has answered once",
    () =>
      afterFirstAnswer((pid) => {
        frozen = pid;
        return freeze(pid);
      }),
    {
      expects: { tag: "rejected", reason: /haproxy did not serve within/ },
      undo: () => frozen === null || killQuietly(frozen, "SIGCONT"),
      stalls: true,
    },
  );
}

/** A draining process accepts no new connection, not even the wrapper's. */
function stoppingAtReady(): Fault {
  const requests: Deno.TcpConn[] = [];
  return meddled(
    "the new process gets SIGUSR1 when it has answered, and has connections to finish",
    (world) =>
      afterFirstAnswer(async (pid, exchange) => {
        // Both processes accept them; some reach the new one.
        for (let number = 0; number < 20; number++) requests.push(await world.openRequest());
        await signalAndWait(pid, "SIGUSR1", exchange);
      }),
    {
      expects: { tag: "rejected", reason: /haproxy (?:did not serve|exited with 0)/ },
      undo: () => requests.splice(0).forEach((request) => request.close()),
    },
  );
}

export const NEW_PROCESS_FAULTS = (): readonly Fault[] => [
  killedBefore("the new process is killed before its socket is there", STAND_INS.killed_at_once),
  killedBefore(
    "the new process is killed when its socket is there",
    STAND_INS.killed_at_its_socket,
    // It already listens, and may have accepted a connection.
    true,
  ),
  signalsAtReady("SIGKILL", /haproxy was killed by SIGKILL before it was ready/),
  signalsAtReady("SIGUSR1", /haproxy exited with 0 before it was ready/),
  signalsAtReady("SIGSEGV", /haproxy was killed by SIGSEGV before it was ready/),
  meddled("the new process is silent on its socket", () => () => null, {
    expects: { tag: "rejected", reason: /haproxy did not serve within/ },
  }),
  meddled(
    "each answer of the new process takes 100 ms",
    () => async ({ answer }) => {
      await pause(100);
      return answer;
    },
    { expects: { tag: "served" } },
  ),
  meddled(
    "somebody else answers on the new process' socket",
    () => ({ answer }) => answer.replace(/^Pid: \d+$/m, "Pid: 1"),
    { expects: { tag: "rejected", reason: /process 1 answered in place of \d+/ } },
  ),
  meddled("the new process' first answer is no HAProxy's", () => () => "Hello\n", {
    expects: { tag: "rejected", reason: /haproxy did not serve within/ },
  }),
  frozenAtReady(),
  stoppingAtReady(),
];
