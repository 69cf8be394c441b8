/** A control group of either version, with a memory limit, in which a test starts the wrapper. */
import type { Need } from "../../support/needs.ts";

interface Files {
  readonly limit: string;
  readonly usage: string;
  readonly reclaimable: RegExp;
  readonly events: string;
}

interface Parent {
  readonly path: string;
  readonly files: Files;
}

const VERSION_1: Files = {
  limit: "memory.limit_in_bytes",
  usage: "memory.usage_in_bytes",
  reclaimable: /^total_inactive_file (\d+)$/m,
  events: "memory.oom_control",
};

const VERSION_2: Files = {
  limit: "memory.max",
  usage: "memory.current",
  reclaimable: /^inactive_file (\d+)$/m,
  events: "memory.events",
};

/** Where groups can be created; `null`: nowhere. */
const PARENT = Deno.uid() === 0 ? findParent() : null;

export const MEMORY_GROUPS: Need = {
  missing: PARENT === null ? "needs root, and control groups that can be made and limited" : null,
};

export class MemoryGroup implements AsyncDisposable {
  readonly #path = `${PARENT!.path}/hrw-test-${crypto.randomUUID().slice(0, 8)}`;

  constructor(limitBytes: number) {
    Deno.mkdirSync(this.#path);
    this.limit(limitBytes);
  }

  limit(bytes: number): void {
    this.#write(PARENT!.files.limit, `${Math.round(bytes)}`);
  }

  /** Words in front of a command, which then runs in the group. */
  get launcher(): readonly string[] {
    return ["sh", "-c", `echo 0 > ${this.#path}/cgroup.procs; exec "$0" "$@"`];
  }

  /** The memory in use, without what can be reclaimed at once. */
  get usedBytes(): number {
    const { usage, reclaimable } = PARENT!.files;
    const [, bytes] = reclaimable.exec(this.#read("memory.stat")) ?? [];
    return Number(this.#read(usage)) - Number(bytes ?? 0);
  }

  /** How many processes the kernel's OOM killer has killed. */
  get killed(): number {
    const { events } = PARENT!.files;
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(events))?.[1]);
  }

  /** Call it when all its processes are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const startedMs = Date.now();;) {
      try {
        return await Deno.remove(this.#path);
      } catch (error) {
        // A killed process may not be gone yet.
        if (Date.now() - startedMs > 5_000) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  #read(name: string): string {
    return Deno.readTextFileSync(`${this.#path}/${name}`);
  }

  #write(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.#path}/${name}`, text);
  }
}

/** At the root, where processes and groups can coexist; version 2 may need the controller enabled. */
function findParent(): Parent | null {
  const first = { path: "/sys/fs/cgroup/memory", files: VERSION_1 };
  const second = { path: "/sys/fs/cgroup", files: VERSION_2 };
  try {
    Deno.writeTextFileSync("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  } catch {
    // It is on already, or there is no version 2, or it may not be changed.
  }
  return [first, second].find(canBeMade) ?? null;
}

function canBeMade({ path, files }: Parent): boolean {
  const trial = `${path}/hrw-test-${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.mkdirSync(trial);
  } catch {
    return false;
  }
  try {
    Deno.writeTextFileSync(`${trial}/${files.limit}`, `${2 ** 30}`);
    return true;
  } catch {
    return false;
  } finally {
    Deno.removeSync(trial);
  }
}
