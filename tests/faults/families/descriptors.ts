/** What happens when the wrapper or HAProxy cannot open any more files. */
import type { StatusReport } from "../../../lib/status/report.ts";
import type { Fault } from "../fault.ts";

/** No new descriptor is below this number. */
const NONE = 3;
const MANY = 1_000;

const IN_WRAPPER: Fault = {
  name: "the wrapper has no file descriptor left",
  async inject(world) {
    await world.limitOpenFiles(world.wrapper.pid, NONE);
    await world.change();
  },
  heal: (world) => world.limitOpenFiles(world.wrapper.pid, MANY),
  expects: {
    tag: "awaited",
    line: /cannot read .*Too many open files.*until that can be read again/,
  },
  isSilent: true,
};

/** A file that cannot be opened has not changed. */
const IN_WRAPPER_LOADED: Fault = {
  name: "the wrapper has no file descriptor left when a file changes that HAProxy has loaded",
  async inject(world) {
    // A new name each time, so that the log tells them apart.
    const list = world.at(`list-${world.wanted}.acl`);
    await Deno.writeTextFile(list, "/one\n");
    await world.change(
      `backend listed\n    mode http\n    http-request deny if { path -f ${list} }\n`,
    );
    const isListed = ({ serving }: StatusReport) =>
      serving!.files.some(({ path }) => path === list);
    await world.reports("the list", isListed, world.wrapper);
    await world.limitOpenFiles(world.wrapper.pid, NONE);
    await Deno.writeTextFile(list, "/two\n");
    await world.wrapper.says(`cannot read .*"${list}": Too many open files`);
    await world.limitOpenFiles(world.wrapper.pid, MANY);
    await world.wrapper.says(`ACL "${list}" updated in generation`);
  },
  expects: { tag: "served" },
};

function inHaproxy(): Fault {
  let pid = 0;
  return {
    name: "the serving HAProxy has no file descriptor left",
    async inject(world) {
      pid = await world.servingPid();
      await world.limitOpenFiles(pid, NONE);
      await world.change();
    },
    heal: (world) => world.limitOpenFiles(pid, MANY),
    expects: { tag: "rejected", reason: /did not hand its sockets over: .*no file descriptor/ },
    stalls: true,
  };
}

export const DESCRIPTOR_FAULTS = (): readonly Fault[] => [
  IN_WRAPPER,
  IN_WRAPPER_LOADED,
  inHaproxy(),
];
