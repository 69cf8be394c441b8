/** Rotates a certificate many times while clients connect, and counts what fails for them. */
import { join } from "@std/path";
import { type AmountTarget, compareAmounts, type Row } from "../table.ts";
import { Client } from "../../support/measuring/client.ts";
import {
  prepareSite,
  type Site,
  startHot,
  startReloadingByHand,
  type TlsContestant,
} from "./tls_contestants.ts";
import { type LoadResult, TlsLoad } from "./tls_load.ts";

const CLIENTS = 4;
/** In turns. */
const DIFFERENT = 10;

export async function measureRotations(room: AsyncDisposableStack, times: number): Promise<Row[]> {
  const hot = await startHot(await countingStarts(prepareSite(room)));
  const wrapper = await rotateUnderLoad(room, hot, times);
  const started = startsIn(hot.site) - 1;
  const reloading = await startReloadingByHand(prepareSite(room));
  const byHand = await rotateUnderLoad(room, reloading, times);
  for (const failure of new Set([...wrapper.failures, ...byHand.failures])) console.error(failure);
  const compare = (figure: string, wrapper: number, beside: number, target: AmountTarget) =>
    compareAmounts(`${figure} in ${times} rotations`, { wrapper, beside }, { ...STYLE, target });
  return [
    compare("failed handshakes", wrapper.failures.length, byHand.failures.length, NONE),
    compare("handshakes", wrapper.handshakes, byHand.handshakes, null),
    compare("processes started", started, times, NONE),
  ];
}

const NONE: AmountTarget = { tag: "in_all", limit: 0 };

const STYLE = { besideName: "reloads by hand", unit: "", digits: 0 };

/** Counts the starts of HAProxy, even those that are not logged. */
async function countingStarts(site: Site): Promise<Site> {
  await site.workspace.standIn(`#!/bin/sh
echo started >> ${join(site.workspace.path, "starts")}
exec env PATH=${Deno.env.get("PATH")} haproxy "$@"
`);
  return site;
}

const startsIn = ({ workspace }: Site) =>
  Deno.readTextFileSync(workspace.at("starts")).trim().split("\n").length;

async function rotateUnderLoad(
  room: AsyncDisposableStack,
  { site, follow }: TlsContestant,
  times: number,
): Promise<LoadResult> {
  const pairs = Array.from({ length: DIFFERENT }, () => site.authority.issue({ name: site.name }));
  const load = await TlsLoad.start(room, {
    clients: CLIENTS,
    port: site.port,
    site: site.name,
    authority: site.authority.certificate,
  });
  for (let time = 0; time < times; time++) {
    await site.workspace.replace(pairs[time % DIFFERENT]!.pem, site.path);
    await follow();
  }
  const result = await load.stop();
  const { fingerprint } = pairs[(times - 1) % DIFFERENT]!;
  await room.use(new Client()).firstServed({
    port: site.port,
    site: site.name,
    wanted: fingerprint,
  });
  return result;
}
