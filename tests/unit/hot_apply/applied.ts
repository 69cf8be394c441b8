/** Applies a target to a process that gives prepared answers. */
import type { Target } from "../../../lib/loaded/targets.ts";
import {
  type ChangedAgain,
  type Content,
  impossible,
  type Plan,
  type Result,
} from "../../../lib/hot_apply/kinds/target_kind.ts";
import { planOf } from "../../../lib/hot_apply/kinds/target_kinds.ts";
import { type Answer, script } from "../../support/haproxy/scripted_haproxy.ts";

export function plan(target: Target, text: string, content: Partial<Content> = {}): Promise<Plan> {
  const none = { key: null, texts: [text], files: new Map(), read };
  return planOf(target, { text, ...none, ...content });
}

const read = () => Promise.resolve(impossible("it is not there"));

/** The result, and the commands that led to it. */
export async function applied(
  target: Target,
  text: string,
  answers: readonly Answer[],
): Promise<[result: Result | ChangedAgain, commands: readonly string[]]> {
  const { ask, commands } = script(...answers);
  const planned = await plan(target, text);
  return [planned.tag === "ready" ? await planned.apply(ask) : planned, commands];
}
