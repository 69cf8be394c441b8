/** Measures what the wrapper keeps of each reload: memory and open files, after a few and after many. */
import { pause } from "../process/wait.ts";
import { Workspace } from "../process/wrapper.ts";
import { startByWrapper } from "./by_wrapper.ts";
import { type Contestant, renameOver } from "./latency.ts";
import { compareGrowth, type Row } from "./table.ts";

const FEW = 20;
const MANY = 200;

export async function measureGrowth(room: AsyncDisposableStack): Promise<Row[]> {
  const wrapper = await startByWrapper(room.use(new Workspace()));
  await reload(wrapper, FEW);
  const few = await footprintAtRest(wrapper.pid);
  await reload(wrapper, MANY - FEW);
  const many = await footprintAtRest(wrapper.pid);
  const beside = `after ${FEW}`;
  return [
    compareGrowth(`anonymous memory after ${MANY} reloads`, {
      few: few.memoryMegabytes,
      many: many.memoryMegabytes,
    }, { beside, unit: " MB", digits: 2, limit: 1 }),
    compareGrowth(`open files after ${MANY} reloads`, {
      few: few.openFiles,
      many: many.openFiles,
    }, { beside, unit: "", digits: 0, limit: 0 }),
  ];
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

/** The least of some looks: one of them may meet a file that is open for a moment. */
async function footprintAtRest(pid: number): Promise<Footprint> {
  const looks: Footprint[] = [];
  for (let look = 0; look < 10; look++) {
    await pause(20);
    looks.push(footprint(pid));
  }
  return {
    memoryMegabytes: Math.min(...looks.map(({ memoryMegabytes }) => memoryMegabytes)),
    openFiles: Math.min(...looks.map(({ openFiles }) => openFiles)),
  };
}

function footprint(pid: number): Footprint {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kilobytes = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]);
  return {
    memoryMegabytes: kilobytes / 1_024,
    openFiles: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
  };
}
