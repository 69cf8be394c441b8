/**
 * Notes beside the stats socket of a process which of its frontends are paused, so that they can listen again even if
 * the wrapper is killed meanwhile.
 */
import { remove, writePrivateFile } from "../../system/files/files.ts";
import { readOwnFile } from "../../system/files/ownership.ts";
import type { PrivateSocket } from "../runtime/client.ts";

/** A pause without a note is better than none: the disk may be full. */
export async function notePause(
  socket: PrivateSocket,
  frontends: readonly string[],
): Promise<void> {
  if (socket.problem() !== null) return;
  const text = frontends.map((frontend) => `${frontend}\n`).join("");
  await writePrivateFile(noteOf(socket.path), new TextEncoder().encode(text)).catch(() => {});
}

export async function forgetPause(socket: PrivateSocket): Promise<void> {
  if (socket.problem() === null) await remove(noteOf(socket.path)).catch(() => {});
}

/** The frontends that the note of a process names; none without a note that belongs to `user` alone. */
export async function readPause(socket: PrivateSocket, user: number): Promise<readonly string[]> {
  try {
    const bytes = await readOwnFile(noteOf(socket.path), user, MOST_NOTE_BYTES);
    return new TextDecoder().decode(bytes).split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

export const noteOf = (socket: string) => `${socket}.paused`;

const MOST_NOTE_BYTES = 1_000_000;
