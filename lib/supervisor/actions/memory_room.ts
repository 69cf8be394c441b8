/** Delays a start while memory has no room for it. */
import { KILL_AFTER_MS } from "../../haproxy/drain/limits.ts";
import type { Fleet } from "../../haproxy/drain/fleet.ts";
import type { MemoryRoom } from "../../haproxy/drain/memory_room.ts";
import type { Event } from "../state/events.ts";

export interface RoomOptions {
  readonly fleet: Fleet;
  readonly memory: MemoryRoom;
  readonly post: (event: Event) => void;
}

/** How long a killed process may take to disappear. */
const KILLED_MS = 1_000;

export class Room {
  readonly #options: RoomOptions;
  #startAnyway = () => {};

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Waits until one more process like `serving`'s fits beside the running ones, or is to start anyway. */
  async await(serving: number, cancel: AbortSignal): Promise<void> {
    const { memory, fleet, post } = this.#options;
    const pid = fleet.pidOf(serving);
    let isHeld = true;
    while (pid !== null && isHeld && !cancel.aborted) {
      const shortage = memory.shortage(pid);
      if (shortage === null) return;
      const anyway = Promise.withResolvers<void>();
      const stop = () => {
        isHeld = false;
        anyway.resolve();
      };
      this.#startAnyway = stop;
      cancel.addEventListener("abort", stop);
      // A process that ignores even SIGKILL frees nothing.
      const timer = setTimeout(stop, KILL_AFTER_MS + KILLED_MS);
      const nextEnd = fleet.nextEnd();
      post({ name: "memory_short", shortage });
      await Promise.race([nextEnd, anyway.promise]);
      clearTimeout(timer);
      cancel.removeEventListener("abort", stop);
    }
  }

  /** The delayed start goes ahead. */
  startAnyway(): void {
    this.#startAnyway();
  }
}
