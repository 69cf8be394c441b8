/** Delays a start while memory has no room for it. */
import { KILL_AFTER_MS } from "../../haproxy/drain/draining.ts";
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

export class Room {
  readonly #parts: RoomParts;
  #anyway = new AbortController();

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** Waits until one more process like `serving`'s fits beside the running ones, or is to start anyway. */
  async await(serving: number, cancel: AbortSignal): Promise<void> {
    const { memory, fleet, post } = this.#parts;
    const pid = fleet.pidOf(serving);
    if (pid === null) return;
    const anyway = this.#anyway = new AbortController();
    while (!cancel.aborted && !anyway.signal.aborted) {
      const shortage = memory.shortage(pid);
      if (shortage === null) return;
      const limit = AbortSignal.timeout(LIMIT_MS);
      const nextEnd = fleet.nextEnd();
      post({ name: "memory_short", shortage });
      await Promise.race([nextEnd, aborted(cancel, anyway.signal, limit)]);
      if (limit.aborted) return;
    }
  }

  /** The delayed start goes ahead. */
  startAnyway(): void {
    this.#anyway.abort();
  }
}
