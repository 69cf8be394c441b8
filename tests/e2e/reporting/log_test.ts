/** What the program logs, and when it logs nothing. */
import assert from "node:assert/strict";
import { programTest } from "../../support/wrapper/program.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { pause } from "../../support/wait.ts";

programTest("a text line has time, level, pid and what happened", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  const [line] = wrapper.lines;
  const pattern =
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info \[(\d+)\] generation 1 serves, ready after \d+ms$/;
  assert.equal(Number(pattern.exec(line!)?.[1]), wrapper.ownPid);
});

programTest("a JSON line has the same by name, and more", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ env: { HRW_LOG_FORMAT: "json" } });
  await wrapper.says(/generation 1 serves/);
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/generation 2 serves/);
  await workspace.replace("nonsense\n");
  await wrapper.says(/generation 3 rejected/);
  const records = wrapper.lines.map((line) => JSON.parse(line));
  assert.ok(
    records.every(({ time, pid }) => !Number.isNaN(Date.parse(time)) && pid === wrapper.ownPid),
  );
  const reload = records.find(({ text }) => /generation 2 serves/.test(text));
  assert.deepEqual(
    { ...reload, time: "", text: "", pid: 0, durationMs: typeof reload.durationMs },
    {
      time: "",
      level: "info",
      pid: 0,
      text: "",
      generation: 2,
      reason: "reloaded after a change",
      durationMs: "number",
      changed: [workspace.configuration],
      draining: 1,
    },
  );
  const rejection = records.find(({ level }) => level === "error");
  assert.equal(rejection.generation, 3);
  assert.equal(rejection.reason, "haproxy exited with 1 before it was ready");
});

programTest("nothing is logged while nothing changes, at any poll interval", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    flags: ["--poll-interval", "5ms", "--log-level", "debug"],
  });
  await pause(300);
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/generation 2 serves/);
  const lines = wrapper.lines.filter((line) => !/while it drains/.test(line));
  assert.match(lines[1]!, /generation 2 serves/, wrapper.output);
});

programTest("lines below --log-level are not written", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ env: { HRW_LOG_LEVEL: "error" } });
  await workspace.serves("one", wrapper);
  await workspace.replace("nonsense\n");
  await wrapper.says(/generation 2 rejected/);
  assert.equal(wrapper.lines.length, 1, wrapper.output);
});

programTest("it keeps serving when nobody reads stdout any longer", async () => {
  await using workspace = new Workspace();
  const wrapper = workspace.start({ launcher: ["sh", "-c", '"$@" | true', "sh"] });
  await workspace.serves("one", wrapper);
  await workspace.changeTo("two", wrapper);
});
