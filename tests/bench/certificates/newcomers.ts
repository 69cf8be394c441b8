/** Measures the time from one more certificate in a directory, or line of a list, to the first connection that gets it. */
import { existsSync } from "node:fs";
import { Client } from "../../support/measuring/client.ts";
import { nowMs } from "../../support/measuring/clock.ts";
import { pause } from "../../support/wait.ts";
import { type Samples, takeTurns } from "../rounds.ts";
import { prepareSite, type Site, type SiteOptions, startWrapper } from "./tls_contestants.ts";

/** Beside the wrapper that reloads for it. */
export async function measureNewcomers(
  room: AsyncDisposableStack,
  { rounds, ...options }: { readonly rounds: number } & SiteOptions,
): Promise<Samples> {
  const client = room.use(new Client());
  const [hot, reloading] = [prepareSite(room, options), prepareSite(room, options)];
  const start = async (site: Site, flags: readonly string[]) => {
    const wrapper = await startWrapper(site, flags);
    let added = 0;
    return async () => {
      const { workspace, authority, port } = site;
      const name = `newcomer-${++added}.test`;
      const { pem, fingerprint } = authority.issue({ name });
      const add = prepareToAdd(site, { path: workspace.at(`certificates/${name}.pem`), pem });
      const read = wrapper.output.length;
      const served = client.firstServed({ port, site: name, wanted: fingerprint }, LONGEST_MS);
      await pause(40 + 20 * Math.random());
      add();
      const addedMs = nowMs();
      const servedMs = await served;
      await wrapper.says(/ (?:added|updated) in generation 1 |generation \d+ drained/, read);
      return servedMs - addedMs;
    };
  };
  return await takeTurns(rounds, {
    wrapper: await start(hot, []),
    byHand: await start(reloading, ["--no-hot-apply"]),
  });
}

function prepareToAdd(
  { workspace, list }: Site,
  { path, pem }: { readonly path: string; readonly pem: string },
): () => void {
  if (!existsSync(list)) return workspace.prepareToReplace(pem, path);
  Deno.writeTextFileSync(path, pem);
  return workspace.prepareToReplace(`${Deno.readTextFileSync(list)}${path}\n`, list);
}

/** HAProxy takes 8 s to load 10,000 certificates. */
const LONGEST_MS = 60_000;
