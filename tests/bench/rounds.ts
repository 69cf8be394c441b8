/** Takes turns between the wrapper and the same by hand, so that noise hits both. */

/** One time in milliseconds for each round. */
export interface Samples {
  readonly wrapper: readonly number[];
  readonly byHand: readonly number[];
}

export interface Contest {
  readonly wrapper: () => Promise<number>;
  readonly byHand: () => Promise<number>;
}

/** Measures each `rounds` times, in alternating order, after a round that does not count. */
export async function takeTurns(rounds: number, contest: Contest): Promise<Samples> {
  const wrapper: number[] = [];
  const byHand: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    if (round % 2 === 0) wrapper.push(await contest.wrapper());
    byHand.push(await contest.byHand());
    if (round % 2 === 1) wrapper.push(await contest.wrapper());
  }
  return { wrapper: wrapper.slice(1), byHand: byHand.slice(1) };
}
