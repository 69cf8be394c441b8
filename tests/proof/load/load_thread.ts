/** The thread behind `load.ts`: all clients of one kind. */
import { answerQuestions } from "../../support/machine/thread.ts";
import { Standing } from "../run/standing.ts";
import { runClient } from "./client.ts";
import { type Kind, KINDS } from "./kinds.ts";
import type { Assignment } from "./load.ts";
import { type KindFigures, KindRecord } from "./record.ts";

answerQuestions<Assignment, KindFigures>(async ({ name, address, memory }) => {
  const kind: Kind = KINDS[name];
  const record = new KindRecord();
  const surroundings = { address, standing: new Standing(memory), record };
  await Promise.all(Array.from({ length: kind.clients }, () => runClient(kind, surroundings)));
  return record.figures;
});
