/** The same handoff without the wrapper: a start with `-x`, then SIGUSR1 to the old process. */
import { startArguments } from "../../../lib/haproxy/process/arguments.ts";
import { readHaproxyArguments } from "../../../lib/settings/haproxy_arguments.ts";
import {
  makePrivateFolder,
  type PrivateFolder,
} from "../../../lib/haproxy/private_folder/private_folder.ts";
import { askInstance } from "../../../lib/haproxy/runtime/instance.ts";
import { NO_NEEDS } from "../../../lib/config/needs.ts";
import { startHaproxy } from "../haproxy/bare.ts";
import { pause } from "../wait.ts";
import type { Workspace } from "../wrapper/workspace.ts";

/** In the runtime directory, by which the workspace finds the processes when it cleans up. */
export async function makeFolder({ runtimeDirectory }: Workspace): Promise<PrivateFolder> {
  const made = await makePrivateFolder([runtimeDirectory]);
  if (made.tag === "made") return made.folder;
  throw new Error(`cannot make a private folder: ${made.reason}`);
}

export interface Prepared {
  readonly number: number;
  readonly socket: string;
  readonly words: readonly string[];
}

/** Does all that can be done before the change. By default process `number` takes over from the last. */
export async function prepareByHand(
  { configuration }: Workspace,
  folder: PrivateFolder,
  number: number,
  { takesOver = number > 1 }: { readonly takesOver?: boolean } = {},
): Promise<Prepared> {
  const user = readHaproxyArguments(["-f", configuration], configuration).arguments;
  const takeover = takesOver ? folder.socket(number - 1).path : null;
  const words = startArguments(user, await folder.prepare(number, NO_NEEDS), takeover);
  return { number, socket: folder.socket(number).path, words };
}

export interface Serving {
  readonly number: number;
  readonly child: Deno.ChildProcess;
}

/** `null` if the process ends, or has no listener and ought to. */
export async function launchByHand({ number, socket, words }: Prepared): Promise<Serving | null> {
  const child = startHaproxy(...words);
  const ended = new AbortController();
  void child.status.then(() => ended.abort());
  if (await serves(child, socket, ended.signal)) return { number, child };
  if (!ended.signal.aborted) child.kill("SIGKILL");
  await child.status;
  return null;
}

const LONGEST_START_MS = 10_000;

/** Whether it has any listener, as soon as it answers. */
async function serves(
  { pid }: Deno.ChildProcess,
  socket: string,
  ended: AbortSignal,
): Promise<boolean> {
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  while (elapsedMs() < LONGEST_START_MS) {
    const instance = await askInstance(socket, ended);
    if (ended.aborted) return false;
    if (instance?.pid === pid) return instance.userListeners > 0;
    await pause(pauseMs(elapsedMs()));
  }
  throw new Error(`haproxy did not serve within ${LONGEST_START_MS} ms`);
}

/** The same pauses as in `lib/haproxy/runtime/instance.ts`. */
const pauseMs = (elapsedMs: number) => Math.min(50, Math.max(1, elapsedMs / 50));
