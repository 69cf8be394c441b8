/** Measures the time from a change of a certificate to the first new connection that gets it. */
import { pause } from "../../support/wait.ts";
import { nowMs } from "../../support/measuring/clock.ts";
import { type Samples, takeTurns } from "../rounds.ts";
import { Client } from "../../support/measuring/client.ts";
import {
  prepareSite,
  startHot,
  startHotByHand,
  startReloading,
  startReloadingByHand,
  type TlsContestant,
} from "./tls_contestants.ts";

export interface RotationContest {
  readonly rounds: number;
  /** Whether the certificate is hot-applied or reloaded. */
  readonly isHot: boolean;
  /** How many certificates are in its directory. */
  readonly members?: number;
}

export async function measureRotation(
  room: AsyncDisposableStack,
  { rounds, isHot, members = 0 }: RotationContest,
): Promise<Samples> {
  const client = room.use(new Client());
  const starts = isHot
    ? [startHot, startHotByHand] as const
    : [startReloading, startReloadingByHand] as const;
  const sites = starts.map(() => prepareSite(room, { members }));
  const [wrapper, byHand] = await Promise.all(sites.map((site, index) => starts[index]!(site)));
  return await takeTurns(rounds, {
    wrapper: () => timeRotation(wrapper!, client),
    byHand: () => timeRotation(byHand!, client),
  });
}

async function timeRotation({ site, follow }: TlsContestant, client: Client): Promise<number> {
  const { pem, fingerprint } = site.authority.issue({ name: site.name });
  const rotate = site.workspace.prepareToReplace(pem, site.path);
  const served = client.firstServed({ port: site.port, site: site.name, wanted: fingerprint });
  // As in `latency.ts`.
  await pause(40 + 20 * Math.random());
  rotate();
  const rotatedMs = nowMs();
  const [servedMs] = await Promise.all([served, follow()]);
  return servedMs - rotatedMs;
}
