/** Warns of words in the configuration, once until they change. */
import type { Needs, Noted } from "../../config/needs.ts";
import { forbidsWarnings } from "../../haproxy/handoff/preparation.ts";
import type { HaproxyArguments } from "../../settings/haproxy_arguments.ts";
import type { LogEntry } from "../../system/log.ts";

export class NotedWords {
  #known: Words = {};

  /** New warnings about the configuration of `generation`, which serves now. */
  newWarnings(generation: number, haproxy: HaproxyArguments, needs: Needs): readonly LogEntry[] {
    const before = this.#known;
    const words: Words = this.#known = {
      ...needs.noted,
      zero_warning: needs.loadsServerState ? forbidsWarnings(haproxy, needs) : null,
    };
    return KINDS.flatMap((kind): LogEntry[] => {
      const place = words[kind] ?? null;
      if (place === null || place === before[kind]) return [];
      const text = TEXTS[kind](generation, place);
      return [{ level: "warning", text, fields: { generation, reason: place } }];
    });
  }
}

type Words = Readonly<Partial<Record<Noted, string | null>>>;

const TEXTS: Readonly<Record<Noted, (generation: number, place: string) => string>> = {
  shared_sockets: (generation, place) =>
    `each reload of generation ${generation} cuts its QUIC connections: they share the ` +
    `listener's socket, which the next process takes over (${place}); without that each has its own`,
  zero_warning: (generation, place) =>
    `no reload keeps the state of generation ${generation}'s servers: HAProxy warns of each that ` +
    `is down or drains, and refuses to start after a warning (${place})`,
  pidfile: (generation, place) =>
    `no process id is written: only a daemon writes one, and generation ${generation} runs in the ` +
    `foreground (${place}, which has no effect)`,
};

const KINDS = Object.keys(TEXTS) as Noted[];
