/** What a configuration can let HAProxy carry over to its next process: counters, and addresses that DNS found. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { ask } from "../../../lib/haproxy/runtime/client.ts";
import { haproxyTaking, testNeeding } from "../../support/needs.ts";
import { commonTest, NOT_AS_PROCESS_1, RUNNABLE } from "../../support/wrapper/program.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { waitFor } from "../../support/wait.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

const KEEPS_COUNTERS = haproxyTaking("global\n    shm-stats-file-max-objects 100");

class Counted extends Workspace {
  counted(text: string): string {
    return `global
    shm-stats-file ${this.at("counters")}
    stats socket ${this.at("cli.sock")} level admin
${this.page(text)}    guid page
frontend other
    bind 127.0.0.1:${this.#otherPort}
    http-request return status 200
`;
  }

  readonly #otherPort = freePort();

  async count(): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.#otherPort}/`);
    await answer.body?.cancel();
  }

  /** How many sessions the frontend had. */
  async sessions(frontend: string): Promise<number> {
    const answer = await ask(
      this.at("cli.sock"),
      `show stat ${frontend} 1 -1`,
      AbortSignal.timeout(5_000),
    );
    const [names, values] = answer!.split("\n").map((line) => line.split(","));
    return Number(values![names!.indexOf("stot")]);
  }
}

testNeeding(
  [RUNNABLE, NOT_AS_PROCESS_1, KEEPS_COUNTERS],
  "shm-stats-file keeps the counters of what has a guid, and no others",
  async () => {
    await using workspace = new Counted();
    await Deno.writeTextFile(workspace.configuration, workspace.counted("one"));
    const wrapper = await workspace.serve();
    assert.equal(await workspace.get(), "one");
    await workspace.count();
    const before = await workspace.sessions("page");
    assert.ok(before > 0 && await workspace.sessions("other") > 0);
    await workspace.replace(workspace.counted("two"));
    await wrapper.says(/generation 1 drained/);
    assert.ok(await workspace.sessions("page") >= before);
    assert.equal(await workspace.sessions("other"), 0);
  },
);

/** A name server that knows one name, until it is silenced. */
class NameServer implements Disposable {
  #isSilent = false;
  readonly #socket: Socket = createSocket("udp4");

  async listen(): Promise<number> {
    this.#socket.on("message", (question, { port, address }) => {
      if (!this.#isSilent) this.#socket.send(answerTo(question), port, address);
    });
    this.#socket.bind(0, "127.0.0.1");
    await once(this.#socket, "listening");
    return this.#socket.address().port;
  }

  silence(): void {
    this.#isSilent = true;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** 127.0.0.1, whatever the name; HAProxy is told to prefer IPv4, and takes no answer of another type. */
function answerTo(question: Uint8Array): Uint8Array {
  const end = question.indexOf(0, 12) + 5;
  const [high = 0, low = 0] = question;
  const header = [high, low, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
  const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1];
  return new Uint8Array([...header, ...question.subarray(12, end), ...answer]);
}

for (
  const [load, status] of [
    ["load-server-state-from-file global", 200],
    ["load-server-state-from-file none", 503],
  ] as const
) {
  commonTest(`"${load}", "init-addr last,none": ${status} after a reload without DNS`, async () => {
    await using workspace = new Workspace();
    using names = new NameServer();
    const namePort = await names.listen();
    const port = freePort();
    const resolved = (text: string) =>
      `${workspace.page(text, { extra: `    ${load}` })}
resolvers local
    nameserver one 127.0.0.1:${namePort}
    hold valid 1s
frontend resolved
    bind 127.0.0.1:${port}
    default_backend found
backend found
    server one page.test:${workspace.port} resolvers local resolve-prefer ipv4 init-addr last,none
`;
    const answer = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      await response.body?.cancel();
      return response.status;
    };
    await Deno.writeTextFile(workspace.configuration, resolved("one"));
    const wrapper = await workspace.serve();
    await waitFor("the name to resolve", async () => await answer() === 200);
    names.silence();
    await workspace.replace(resolved("two"));
    await wrapper.says(/generation 1 drained/);
    assert.equal(await answer(), status, wrapper.output);
  });
}
