import assert from "node:assert/strict";
import { saveServerState } from "../../../../lib/haproxy/private_folder/server_state.ts";
import { ScriptedHaproxy } from "../../../support/haproxy/scripted_haproxy.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const STATE = "1\n# be_id be_name\n3 b\n\n";
const never = () => new AbortController().signal;

const fileAt = (path: string) => ({
  path,
  write: (text: string) => Deno.writeTextFile(path, text),
});

/** A process that always answers with `answer`, and its successor's file. */
class Scene extends TempFolder {
  readonly from = this.at("socket");
  readonly to = fileAt(this.write("state", "1\n"));
  readonly haproxy: ScriptedHaproxy;

  constructor(answer: string) {
    super();
    this.haproxy = new ScriptedHaproxy(this.from, () => answer);
  }

  get state(): string {
    return Deno.readTextFileSync(this.to.path);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.haproxy[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

Deno.test("the state of all servers is saved unchanged", async () => {
  await using scene = new Scene(STATE);
  assert.equal(await saveServerState(scene.from, scene.to, { cancel: never() }), null);
  assert.equal(scene.state, STATE);
  assert.deepEqual(scene.haproxy.commands, ["show servers state"]);
});

Deno.test("an answer that is not a state is reported and not saved", async () => {
  await using scene = new Scene("Permission denied\n\n");
  const reason = await saveServerState(scene.from, scene.to, { cancel: never() });
  assert.equal(reason, 'found "Permission denied", wanted a list');
  assert.equal(scene.state, "1\n");
});

Deno.test("no state is saved from a process that is gone", async () => {
  await using folder = new TempFolder();
  const to = fileAt(folder.write("state", "1\n"));
  const reason = await saveServerState(folder.at("nobody"), to, { cancel: never() });
  assert.equal(reason, "no answer");
});

Deno.test("an abort ends the wait for a silent process", async () => {
  await using folder = new TempFolder();
  const [from, to] = [folder.at("silent"), fileAt(folder.write("state", "1\n"))];
  using listener = Deno.listen({ transport: "unix", path: from });
  const cancel = new AbortController();
  const saving = saveServerState(from, to, { cancel: cancel.signal });
  using _connection = await listener.accept();
  cancel.abort();
  assert.notEqual(await saving, null);
  assert.equal(await Deno.readTextFile(to.path), "1\n");
});

Deno.test("a state that cannot be written is reported, not thrown", async () => {
  await using scene = new Scene(STATE);
  const to = scene.at("nowhere/state");
  const reason = await saveServerState(scene.from, fileAt(to), { cancel: never() });
  assert.ok(reason?.startsWith(`cannot write "${to}": `), `${reason}`);
});
