/** Certificates that the serving generation obtains itself: a reload waits for them, and finds them saved. Pure. */
import type { Decision, EventOf } from "../state/events.ts";
import type { Content, Serving } from "../state/state.ts";
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

/** The generation has what is now on disk, and what was rejected is unchanged: nothing needs to follow. */
export function certificateSaved(
  state: Serving,
  { generation, changes }: EventOf<"certificate_saved">,
): Decision {
  const { serving, rejected } = state.service;
  if (serving.number !== generation) return [state, []];
  const renew = <C extends Content>(content: C): C => {
    const change = changes.find(({ before }) => before === content.fingerprint);
    return change === undefined ? content : { ...content, fingerprint: change.after };
  };
  const renewed = { serving: renew(serving), rejected: rejected && renew(rejected) };
  return [{ ...state, service: { ...state.service, ...renewed } }, []];
}

/** HAProxy takes some 10 s; an authority that does not answer must not delay a change for minutes. */
const RENEWAL_LIMIT_MS = 30_000;
