/** The processes of a test, as the kernel shows them in /proc. */
import { waitFor } from "../support/wait.ts";
import { childrenOf } from "../support/wrapper.ts";
import type { World } from "./world.ts";

/** Its children in a state such as `Z`, a zombie's. */
export function childrenWithState(pid: number, state: string): string[] {
  return childrenOf(pid).filter((child) => stateOf(Number(child)) === state);
}

/** `null` if there is none. */
export function stateOf(pid: number): string | null {
  try {
    return /\) (\S) /.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Waits for a child of the wrapper that is none of `known`. */
export async function newChild(world: World, known: readonly string[]): Promise<number> {
  const find = () => childrenOf(world.wrapper.pid).find((pid) => !known.includes(pid));
  return Number(
    await waitFor("a new process", find, { explain: () => world.wrapper.output }),
  );
}
