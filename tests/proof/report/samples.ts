/** Made-up results for tests. */
import type { Campaign } from "../run/campaign.ts";
import type { ReloadFigures } from "../run/drive.ts";
import { KIND_NAMES, type KindName } from "../load/kinds.ts";
import type { LoadFigures } from "../load/load.ts";
import type { KindFigures } from "../load/record.ts";
import type { Sample } from "../run/processes.ts";
import type { Results } from "./results.ts";

/** A run with these campaigns. */
export function run(campaigns: Results["campaigns"], changes: Partial<Results> = {}): Results {
  return {
    machine: MACHINE,
    clients: "Deno 2.9.6",
    command: "deno task proof",
    isSoak: false,
    campaigns,
    ...changes,
  };
}

export const MACHINE = {
  program: "wrapper 0",
  form: "executable",
  deno: "Deno 2.6.10",
  haproxy: "3.4.7-1",
  cores: 2,
  date: "2026-01-31",
} as const;

/** 100 reloads from 1 to 100 ms, every fourth refused, and no failure. */
export function campaign(changes: Partial<Campaign> = {}): Campaign {
  return {
    reloads: Array.from({ length: 100 }, (_, index) => reload(index + 1)),
    mishaps: [],
    load: load({}),
    samples: [0, 1, 2, 3].map((second) => sample(second)),
    durationMs: 4_000,
    ...changes,
  };
}

export const reload = (number: number): ReloadFigures => ({
  number,
  refusal: number % 4 === 0 ? "a syntax error" : null,
  ms: number,
});

export function load(changes: Partial<Record<KindName, Partial<KindFigures>>>): LoadFigures {
  const entries = KIND_NAMES.map((name) => [name, { ...FINE, ...changes[name] }]);
  return Object.fromEntries(entries) as LoadFigures;
}

const FINE: KindFigures = {
  requests: 1_000,
  connections: 10,
  announcedEnds: 5,
  failures: {},
  examples: [],
  longestGapMs: 20,
  longestAnswerMs: 10,
  disturbed: [],
};

export const sample = (second: number, memory = 14_000, files = 20): Sample => ({
  atMs: 1_000 * second,
  haproxyProcesses: 1 + second % 3,
  haproxyMemory: 10_240,
  haproxyFiles: 50,
  supervisor: { memory, files },
});
