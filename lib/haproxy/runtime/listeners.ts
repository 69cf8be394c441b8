/** The Runtime API for frontends and their listeners. */
import { ask, escaped, type StatsSocket } from "./client.ts";

export interface Listener {
  readonly frontend: string;
  /** `null` for a unix socket. */
  readonly port: number | null;
}

/** The listeners of a process that are not paused; none if it does not answer. */
export async function showListeners(socket: StatsSocket): Promise<readonly Listener[]> {
  const show = async (command: string) =>
    await ask(socket, command, AbortSignal.timeout(LISTENERS_LIMIT_MS)) ?? "";
  // HAProxy 2.8 and later show only the listeners; 2.6 takes the letter for descriptor 0.
  const answer = await show("show fd l");
  return parseListeners(LISTENER.test(answer) ? answer : await show("show fd"));
}

/** Reads the answer to `show fd`. Pure. */
export function parseListeners(answer: string): readonly Listener[] {
  return answer.split("\n").flatMap((line) => {
    const [, state, frontend, port] = LISTENER.exec(line) ?? [];
    if (frontend === undefined || state === "PAU") return [];
    return [{ frontend, port: port === undefined ? null : Number(port) }];
  });
}

const LISTENER = /l\.st=(\w+) fe=(\S+)(?: fam=\S+)?(?: lport=(\d+))?/;

/** The frontends that can be paused: neither `peers` sections nor stats sockets. None if the process does not answer. */
export async function showFrontends(socket: StatsSocket): Promise<readonly string[]> {
  const answer = await ask(socket, "show stat -1 1 -1", AbortSignal.timeout(LISTENERS_LIMIT_MS));
  return (answer ?? "").split("\n").flatMap((line) => {
    const [name, kind] = line.split(",");
    return kind === "FRONTEND" ? [name!] : [];
  });
}

/** Pauses frontends (`disable`) or lets them listen again; `false` if the process does not confirm it. */
export async function switchFrontends(
  socket: StatsSocket,
  verb: "disable" | "enable",
  frontends: readonly string[],
): Promise<boolean> {
  const commands = frontends.map((frontend) => `${verb} frontend ${escaped(frontend)}`);
  const answer = await ask(socket, commands.join(";"), AbortSignal.timeout(SWITCH_LIMIT_MS));
  return answer?.replaceAll("All sockets are already enabled.", "").trim() === "";
}

const LISTENERS_LIMIT_MS = 2_000;
const SWITCH_LIMIT_MS = 1_000;
