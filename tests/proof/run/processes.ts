/** Samples the processes of a contestant from /proc. */
import type { Workspace } from "../../support/wrapper/workspace.ts";

/** Memory is in kB. */
export interface Sample {
  /** Since the load began. */
  readonly atMs: number;
  readonly haproxyProcesses: number;
  /** Of all of them, with shared memory counted once (Pss). */
  readonly haproxyMemory: number;
  /** Of the one with the most. */
  readonly haproxyFiles: number;
  /** Of the process that starts HAProxy: its anonymous memory and open files; `null` if there is none. */
  readonly supervisor: { readonly memory: number; readonly files: number } | null;
}

export function takeSample(
  { workspace, supervisor, atMs }: {
    readonly workspace: Workspace;
    readonly supervisor: number | null;
    readonly atMs: number;
  },
): Sample {
  const pids = workspace.haproxyPids().filter((pid) => isHaproxy(pid) && pid !== supervisor);
  return {
    atMs,
    haproxyProcesses: pids.length,
    haproxyMemory: sum(pids.map((pid) => kilobytes(`/proc/${pid}/smaps_rollup`, "Pss"))),
    haproxyFiles: Math.max(0, ...pids.map(openFiles)),
    supervisor: supervisor === null ? null : {
      memory: kilobytes(`/proc/${supervisor}/status`, "RssAnon"),
      files: openFiles(supervisor),
    },
  };
}

/** The wrapper and its launcher name the runtime directory as well, and an HAProxy behind a launcher is an `ld.so`. */
const isHaproxy = (pid: number) => textOf(`/proc/${pid}/cmdline`).split("\0").includes("-db");

function kilobytes(path: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(textOf(path))?.[1] ?? 0);
}

function openFiles(pid: number): number {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  } catch {
    return 0;
  }
}

/** Empty for a process that has just ended. */
function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
