/** Delays a start while there is no memory for it. */
import { KILL_AFTER_MS } from "../../haproxy/drain/limits.ts";
import type { Fleet } from "../../haproxy/drain/fleet.ts";
import type { MemoryRoom } from "../../haproxy/drain/memory_room.ts";
import { aborted } from "../../system/cut_off.ts";
import type { Event } from "../state/events.ts";

export interface RoomParts {
  readonly fleet: Fleet;
  readonly memory: MemoryRoom;
  readonly post: (event: Event) => void;
}

/** A process that ignores even SIGKILL frees nothing, so after this long the start goes ahead. */
const LIMIT_MS = KILL_AFTER_MS + 1_000;

/** Waits until one more process like `serving`'s fits beside the running ones, or one of `goAhead` aborts. */
export async function awaitRoom(
  serving: number,
  { fleet, memory, post }: RoomParts,
  goAhead: readonly AbortSignal[],
): Promise<void> {
  const pid = fleet.pidOf(serving);
  while (pid !== null && goAhead.every(({ aborted }) => !aborted)) {
    const shortage = memory.shortage(pid);
    if (shortage === null) return;
    const limit = AbortSignal.timeout(LIMIT_MS);
    const nextEnd = fleet.nextEnd();
    post({ name: "memory_short", shortage });
    await Promise.race([nextEnd, aborted(limit, ...goAhead)]);
    if (limit.aborted) return;
  }
}
