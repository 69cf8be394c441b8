import assert from "node:assert/strict";
import {
  ask,
  createAsk,
  escaped,
  isListening,
  openPrompt,
  quoted,
} from "../../../../lib/haproxy/runtime/client.ts";
import { ScriptedHaproxy } from "../../../support/haproxy/scripted_haproxy.ts";
import { waitFor } from "../../../support/wait.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const LOCKED = "Can't commit the certificate!\nOperations on certificates are currently locked!\n";

/** A process that gives these answers in turn, and then repeats the last one. */
class Scene extends TempFolder {
  readonly socket = this.at("socket");
  readonly haproxy: ScriptedHaproxy;

  constructor(...answers: readonly string[]) {
    super();
    this.haproxy = new ScriptedHaproxy(
      this.socket,
      () => answers[Math.min(this.haproxy.commands.length, answers.length) - 1]!,
    );
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.haproxy[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

const never = () => new AbortController().signal;

Deno.test("an answer is read until HAProxy closes", async () => {
  await using scene = new Scene("a\n\nb\n");
  assert.equal(await ask(scene.socket, "show map", never()), "a\n\nb\n");
  assert.deepEqual(scene.haproxy.commands, ["show map"]);
});

Deno.test("a long payload arrives whole, with its trailing empty line", async () => {
  await using scene = new Scene("\n");
  const command = `set ssl cert /x <<\n${"x".repeat(200_000)}\n`;
  await ask(scene.socket, command, never());
  assert.deepEqual(scene.haproxy.commands, [command]);
});

Deno.test("there is no answer if nothing listens", async () => {
  await using folder = new TempFolder();
  assert.equal(await ask(folder.at("nobody"), "show map", never()), null);
  assert.equal(await isListening(folder.at("nobody")), false);
});

Deno.test("nothing is asked after an abort", async () => {
  await using scene = new Scene("a\n");
  assert.equal(await ask(scene.socket, "show map", AbortSignal.abort()), null);
});

Deno.test("an abort ends the wait for the prompt of a process that hangs", async () => {
  await using folder = new TempFolder();
  const path = folder.at("socket");
  using _silent = Deno.listen({ transport: "unix", path });
  assert.equal(await openPrompt(path, AbortSignal.abort()), null);
});

Deno.test("a command is sent again while HAProxy's certificates are locked", async () => {
  await using scene = new Scene(LOCKED, LOCKED, "Success!\n");
  assert.equal(await ask(scene.socket, "commit ssl cert /x", never()), "Success!\n");
  assert.deepEqual(scene.haproxy.commands, Array.from({ length: 3 }, () => "commit ssl cert /x"));
});

Deno.test("an abort ends the wait for locked certificates", async () => {
  await using scene = new Scene(LOCKED);
  const cancel = new AbortController();
  const asked = ask(scene.socket, "commit ssl cert /x", cancel.signal);
  await waitFor("the third time", () => scene.haproxy.commands.length >= 3);
  cancel.abort();
  assert.equal(await asked, null);
});

Deno.test("an escaped word stays one word, ends no command and begins no payload", () => {
  assert.equal(escaped("a b\tc;d\\e"), "a\\ b\\\tc\\;d\\\\e");
  assert.equal(escaped("<<"), "\\<\\<");
  assert.equal(escaped("/etc/haproxy/a.pem"), "/etc/haproxy/a.pem");
});

Deno.test("a map that contains the lock's message is an answer", async () => {
  const text = "0x1 a Operations on certificates are currently locked!\n";
  await using scene = new Scene(text, "asked again");
  assert.equal(await ask(scene.socket, "show map #1", never()), text);
});

Deno.test("an endless answer counts as no answer", async () => {
  await using folder = new TempFolder();
  const socket = folder.at("socket");
  using listener = Deno.listen({ transport: "unix", path: socket });
  const answering = listener.accept().then(async (connection) => {
    const chunk = new Uint8Array(100_000).fill(120);
    try {
      for (;;) await connection.write(chunk);
    } catch {
      connection.close();
    }
  });
  assert.ok(await ask(socket, "show map", never()) === null);
  await answering;
});

Deno.test("a process that has failed to answer once is not asked again", async () => {
  await using folder = new TempFolder();
  const path = folder.at("socket");
  const [asking, lost] = [createAsk(path), createAsk(path)];
  assert.equal(await lost("a"), null);
  await using haproxy = new ScriptedHaproxy(path, (command) => `${command}?\n`);
  assert.deepEqual([await asking("b"), await asking("c"), await lost("d")], ["b?\n", "c?\n", null]);
  assert.deepEqual(haproxy.commands, ["b", "c"]);
});

Deno.test("an abort ends the wait for an answer, and nothing more is asked", async () => {
  await using folder = new TempFolder();
  using listener = Deno.listen({ transport: "unix", path: folder.at("socket") });
  const cancel = new AbortController();
  const asking = createAsk(folder.at("socket"), cancel.signal);
  const asked = asking("a");
  using _ = await listener.accept();
  cancel.abort();
  assert.deepEqual([await asked, await asking("b")], [null, null]);
});

Deno.test("an answer is quoted by its first informative line", () => {
  assert.equal(quoted(null), "HAProxy does not answer");
  assert.equal(quoted("\nCommitting /x..\nout of memory\nmore\n"), 'HAProxy says "out of memory"');
  assert.equal(
    quoted("Transaction created for certificate!\n"),
    'HAProxy says "Transaction created for certificate!"',
  );
});
