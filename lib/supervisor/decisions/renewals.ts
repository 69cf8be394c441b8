/** Certificates that the serving generation obtains itself: a reload waits for them, and finds them saved. Pure. */
import type { Decision, EventOf } from "../state/events.ts";
import type { Serving } from "../state/state.ts";
import { afterWait } from "./delay.ts";

export function renewalsShown(
  state: Serving,
  { generation, shown: { isRenewing, expiries }, atMs }: EventOf<"renewals_shown">,
): Decision {
  const { renewedByMs, ...serving } = state.service.serving;
  if (serving.number !== generation) return [state, []];
  const waits = isRenewing ? { renewedByMs: renewedByMs ?? atMs + RENEWAL_LIMIT_MS } : {};
  const service = { ...state.service, serving: { ...serving, expiries, ...waits } };
  const isOver = renewedByMs !== undefined && !isRenewing;
  return [{ ...state, service }, isOver ? afterWait(state, "renewal") : []];
}

/** The generation has what is now on disk: nothing has to follow. */
export function certificateSaved(
  state: Serving,
  { generation, change: { before, after } }: EventOf<"certificate_saved">,
): Decision {
  const { serving } = state.service;
  const isKnown = serving.number === generation && serving.fingerprint === before;
  if (!isKnown) return [state, []];
  return [
    { ...state, service: { ...state.service, serving: { ...serving, fingerprint: after } } },
    [],
  ];
}

/** HAProxy takes some 10 s; an authority that does not answer must not hold a change up for minutes. */
const RENEWAL_LIMIT_MS = 30_000;
