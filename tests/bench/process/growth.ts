/** Measures memory and open files of the wrapper after many reloads. */
import { type Contestant, serveBare, startByWrapper } from "../contestants.ts";
import { pause } from "../../support/wait.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { renameOver } from "../latency.ts";
import { compareAmounts, MEGABYTE, type Row } from "../table.ts";

const FEW = 20;
const MANY = 200;

export async function measureGrowth(room: AsyncDisposableStack): Promise<Row[]> {
  const bare = await serveBare(room.use(new Workspace()));
  const wrapper = await startByWrapper(room.use(new Workspace()));
  await reload(wrapper, FEW);
  const few = await footprintAtRest(wrapper.pid);
  await reload(wrapper, MANY - FEW);
  const many = await footprintAtRest(wrapper.pid);
  return [
    ...compareMemory(many, { few, alone: await footprintAtRest(bare.pid) }),
    compareOpenFiles(many, few),
  ];
}

function compareMemory(
  many: Footprint,
  { few, alone }: { readonly few: Footprint; readonly alone: Footprint },
): Row[] {
  const figure = `anonymous memory after ${MANY} reloads`;
  const wrapper = many.memoryMegabytes;
  const style = { unit: " MB", digits: 2 };
  return [
    compareAmounts(figure, { wrapper, beside: few.memoryMegabytes }, {
      ...style,
      besideName: `after ${FEW}:`,
      target: { tag: "more", limit: 1 },
    }),
    compareAmounts(figure, { wrapper, beside: alone.memoryMegabytes }, {
      ...style,
      besideName: "HAProxy alone",
      target: { tag: "in_all", limit: 13 },
    }),
  ];
}

function compareOpenFiles(
  { openFiles: wrapper }: Footprint,
  { openFiles: beside }: Footprint,
): Row {
  return compareAmounts(`open files after ${MANY} reloads`, { wrapper, beside }, {
    besideName: `after ${FEW}:`,
    unit: "",
    digits: 0,
    target: { tag: "more", limit: 0 },
  });
}

async function reload({ workspace, follow }: Contestant, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    renameOver(workspace, workspace.page(crypto.randomUUID()))();
    await follow();
  }
}

interface Footprint {
  readonly memoryMegabytes: number;
  readonly openFiles: number;
}

/**
 * The least of some samples: one may catch a file that is open for a moment, and garbage is collected a second
 * after a reload.
 */
async function footprintAtRest(pid: number): Promise<Footprint> {
  const samples: Footprint[] = [];
  for (let sample = 0; sample < 10; sample++) {
    await pause(200);
    samples.push(footprint(pid));
  }
  return {
    memoryMegabytes: Math.min(...samples.map(({ memoryMegabytes }) => memoryMegabytes)),
    openFiles: Math.min(...samples.map(({ openFiles }) => openFiles)),
  };
}

function footprint(pid: number): Footprint {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kilobytes = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]);
  return {
    memoryMegabytes: 1_024 * kilobytes / MEGABYTE,
    openFiles: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
  };
}
