/** Holds the start of a generation back while there is no room for it in memory. */
import { KILL_AFTER_MS } from "../haproxy/draining.ts";
import type { Fleet } from "../haproxy/fleet.ts";
import type { MemoryRoom } from "../haproxy/memory_room.ts";
import type { Event } from "./events.ts";

export interface RoomOptions {
  readonly fleet: Fleet;
  readonly memory: MemoryRoom;
  readonly post: (event: Event) => void;
}

/** How long a process that was killed may take to be gone. */
const KILLED_MS = 1_000;

export class Room {
  readonly #options: RoomOptions;
  #startAnyway = () => {};

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Until one more process like that of `serving` fits beside what runs, or is to be started anyway. */
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
      // What does not even heed SIGKILL frees nothing.
      const timer = setTimeout(stop, KILL_AFTER_MS + KILLED_MS);
      const nextEnd = fleet.nextEnd();
      post({ name: "memory_short", shortage });
      await Promise.race([nextEnd, anyway.promise]);
      clearTimeout(timer);
      cancel.removeEventListener("abort", stop);
    }
  }

  /** What is held back is held no longer. */
  startAnyway(): void {
    this.#startAnyway();
  }
}
