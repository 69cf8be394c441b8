/** Measures the time from the start of a program to the first answer. */
import { startBare } from "../contestants.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { Client } from "../../support/measuring/client.ts";
import { nowMs } from "../../support/measuring/clock.ts";
import { type Samples, takeTurns } from "../rounds.ts";

export async function measureStartup(room: AsyncDisposableStack, rounds: number): Promise<Samples> {
  const client = room.use(new Client());
  const withWrapper = room.use(new Workspace());
  const bare = room.use(new Workspace());
  return await takeTurns(rounds, {
    wrapper: () => timeStart(client, withWrapper, startWrapper),
    byHand: () => timeStart(client, bare, startHaproxy),
  });
}

/** Starts a program and gives what ends it. */
type Start = (workspace: Workspace) => () => Promise<unknown>;

async function timeStart(client: Client, workspace: Workspace, start: Start): Promise<number> {
  const answered = client.firstServed({ port: workspace.port, wanted: "one" });
  const startedMs = nowMs();
  const end = start(workspace);
  const answeredMs = await answered;
  await end();
  return answeredMs - startedMs;
}

function startWrapper(workspace: Workspace): () => Promise<unknown> {
  const wrapper = workspace.start();
  return () => {
    wrapper.signal("SIGTERM");
    return wrapper.exitCode;
  };
}

function startHaproxy(workspace: Workspace): () => Promise<unknown> {
  const child = startBare(workspace);
  return () => {
    child.kill("SIGTERM");
    return child.status;
  };
}
