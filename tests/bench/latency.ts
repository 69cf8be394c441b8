/** Measures the time from a change of the configuration to the first answer with its content. */
import { type Contestant, startByHand, startByWrapper } from "./contestants.ts";
import { pause } from "../support/wait.ts";
import { Workspace } from "../support/wrapper/workspace.ts";
import { Client } from "../support/measuring/client.ts";
import { nowMs } from "../support/measuring/clock.ts";
import { type Samples, takeTurns } from "./rounds.ts";

export interface HandoffContest {
  readonly rounds: number;
  readonly change: Change;
  readonly backends?: number;
}

/** Prepares a change, and returns what makes it: only that is timed. */
export type Change = (workspace: Workspace, content: string) => () => void;

export async function measureHandoff(
  room: AsyncDisposableStack,
  { rounds, change, backends = 0 }: HandoffContest,
): Promise<Samples> {
  const client = room.use(new Client());
  const extra = manyBackends(backends);
  const wrapper = await startByWrapper(prepareWorkspace(room, extra));
  const byHand = await startByHand(prepareWorkspace(room, extra));
  return await takeTurns(rounds, {
    wrapper: () => timeHandoff(wrapper, { client, change, extra }),
    byHand: () => timeHandoff(byHand, { client, change, extra }),
  });
}

/** As careful programs write. */
export const renameOver: Change = (workspace, content) => workspace.prepareToReplace(content);

/** As a shell's `>` writes: opened and truncated, written, closed. */
export const inPlace: Change = ({ configuration }, content) => () =>
  Deno.writeTextFileSync(configuration, content);

function prepareWorkspace(room: AsyncDisposableStack, extra: string): Workspace {
  const workspace = room.use(new Workspace());
  Deno.writeTextFileSync(workspace.configuration, workspace.page("first", { extra }));
  return workspace;
}

const manyBackends = (count: number) =>
  Array.from({ length: count }, (_, number) =>
    `backend number-${number}
    server only 127.0.0.1:9
`).join("");

interface Circumstances {
  readonly client: Client;
  readonly change: Change;
  readonly extra: string;
}

async function timeHandoff(
  { workspace, follow }: Contestant,
  { client, change, extra }: Circumstances,
): Promise<number> {
  const text = crypto.randomUUID();
  const makeChange = change(workspace, workspace.page(text, { extra }));
  const answered = client.firstServed({ port: workspace.port, wanted: text });
  await pauseAtRandom();
  makeChange();
  // Only now: ext4 writes the new file to disk before it renames it over another one.
  const changedMs = nowMs();
  const [answeredMs] = await Promise.all([answered, follow()]);
  return answeredMs - changedMs;
}

/** Lets the last round settle, and starts at a random point between polls and timers. */
const pauseAtRandom = () => pause(40 + 20 * Math.random());
