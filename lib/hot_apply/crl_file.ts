/** CRL files: set, compared with what HAProxy shows, committed, and compared again. */
import { type Ask, quoted } from "../haproxy/runtime/client.ts";
import { shownRevocations, shownTimes } from "../haproxy/runtime/authorities.ts";
import { TlsTransaction } from "../haproxy/runtime/tls_transaction.ts";
import type { TargetOf } from "../loaded/targets.ts";
import { derOf, isCrl, type PemBlock, pemBlocks, textOf } from "./pem.ts";
import {
  counted,
  impossible,
  type Result,
  REVOKED,
  SHOWS_ANOTHER,
  type TargetKind,
  unconfirmed,
} from "./target_kind.ts";

export const crlFile: TargetKind<TargetOf<"crl_file">> = {
  noun: "CRL file",
  plan({ name }, { text }) {
    const blocks = pemBlocks(text).filter(isCrl);
    const times = blocks.map(timesOf);
    if (blocks.length === 0 || times.some((some) => some.length === 0)) {
      return impossible("it holds no CRL, or one that cannot be read");
    }
    const lists = { payload: textOf(blocks), count: blocks.length, times: times.flat() };
    return {
      tag: "ready",
      apply: (ask: Ask) => apply(new TlsTransaction(ask, "crl-file", name), lists),
    };
  },
};

interface Lists {
  readonly payload: string;
  readonly count: number;
  readonly times: readonly number[];
}

async function apply(
  transaction: TlsTransaction,
  { payload, count, times }: Lists,
): Promise<Result> {
  const setFailure = await transaction.set(payload);
  if (setFailure !== null) return impossible(setFailure);
  const obstacle = await obstacleIn(transaction, times);
  if (obstacle !== null) {
    await transaction.abort();
    return impossible(obstacle);
  }
  const failure = await transaction.commit();
  if (failure !== null) return unconfirmed(failure);
  const shown = await transaction.show();
  if (areShown(shown, times)) return { tag: "applied", detail: counted(count, "CRL") };
  return unconfirmed(shown === null ? quoted(shown) : SHOWS_ANOTHER);
}

/** Why what has been set needs a reload instead; `null` if it does not. */
async function obstacleIn(
  transaction: TlsTransaction,
  times: readonly number[],
): Promise<string | null> {
  const [used, pending] = [await transaction.show(), await transaction.showPending()];
  if (pending === null) return quoted(pending);
  if (!areShown(pending, times)) return "HAProxy does not show all of what it was given";
  return shownRevocations(pending).isSubsetOf(shownRevocations(used)) ? null : REVOKED;
}

/** Whether all lists are shown whole. HAProxy 2.6 silently leaves out what exceeds its buffer, after some 200 revocations. */
const areShown = (shown: string | null, times: readonly number[]) =>
  shownTimes(shown).toSorted().join() === times.toSorted().join();

/**
 * All times in a CRL, in milliseconds since 1970 (RFC 5280, section 5.1): when it was issued, which no
 * two lists of one issuer have in common, when the next comes, and of each revocation.
 */
function timesOf(block: PemBlock): readonly number[] {
  const text = new TextDecoder("latin1").decode(derOf(block) ?? new Uint8Array());
  return [...text.matchAll(/(?<!\d)(\d{12}|\d{14})Z/g)].map(([, digits]) => timeOf(digits!));
}

/** A year of two digits is one from 1950 to 2049. */
function timeOf(digits: string): number {
  const [year, month, day, hour, minute, second] = digits.slice(-12).match(/\d\d/g)!;
  const century = digits.length === 14 ? digits.slice(0, 2) : Number(year) < 50 ? "20" : "19";
  return Date.parse(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
