/** The connections left in a draining process, here a fake HAProxy; the end-to-end tests ask a real one. */
import assert from "node:assert/strict";
import { DrainGauge } from "../../../../lib/haproxy/drain/drain_gauge.ts";
import { close } from "../../../../lib/status/http/connection.ts";
import { pause, waitFor } from "../../../support/wait.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

interface Info {
  readonly jobs: number;
  readonly connections: number;
  readonly isStopping: boolean;
}

/** A process with a prompt, which ends once only the prompt is left and it is closed. */
class Scene extends TempFolder {
  readonly socket = this.at("socket");
  readonly gauge = new DrainGauge(60_000);
  info: Info | string | null = { jobs: 3, connections: 0, isStopping: false };
  isClosed = false;
  closed = 0;
  asked = 0;
  readonly #listener = Deno.listen({ transport: "unix", path: this.socket });
  readonly #served = this.#serve();

  override async [Symbol.asyncDispose](): Promise<void> {
    this.info = null;
    this.#listener.close();
    this.gauge.close(1);
    await this.#served;
    await super[Symbol.asyncDispose]();
  }

  async follow(): Promise<void> {
    await this.gauge.open(1, this.socket);
    this.gauge.follow(1);
  }

  /** Follows a drain until it is known that seven connections are left. */
  async followSeven(): Promise<void> {
    await this.follow();
    this.info = { jobs: 9, connections: 7, isStopping: true };
    await this.left(7);
  }

  async left(wanted: number | undefined): Promise<void> {
    await waitFor(`${wanted} left`, () => this.gauge.connections.get(1) === wanted);
  }

  async #serve(): Promise<void> {
    const answers: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      answers.push(this.#answer(connection));
    }
    await Promise.all(answers);
  }

  /** Until the gauge has closed its end, so that nothing of it outlives the test. */
  async #answer(connection: Deno.UnixConn): Promise<void> {
    const buffer = new Uint8Array(1_000);
    for (;;) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) break;
      this.asked++;
      if (this.info === null) {
        await connection.closeWrite();
        continue;
      }
      const isPrompt = new TextDecoder().decode(buffer.subarray(0, count)) === "prompt\n";
      const text = isPrompt ? "\n> " : `${textOf(this.info)}\n> `;
      // In two pieces, as long answers arrive.
      await connection.write(new TextEncoder().encode(text.slice(0, 7)));
      await connection.write(new TextEncoder().encode(text.slice(7)));
    }
    close(connection);
    this.isClosed = true;
    this.closed++;
  }
}

function textOf(info: Info | string): string {
  if (typeof info === "string") return info;
  const { jobs, connections, isStopping } = info;
  const stopping = isStopping ? 1 : 0;
  return `Stopping: ${stopping}\nJobs: ${jobs}\nUnstoppable Jobs: 1\nCurrConns: ${connections}\n`;
}

Deno.test("the number left is reported until only the gauge keeps the process alive", async () => {
  await using scene = new Scene();
  await scene.followSeven();
  scene.info = { jobs: 3, connections: 1, isStopping: true };
  await scene.left(1);
  assert.equal(scene.isClosed, false);
  scene.info = { jobs: 2, connections: 0, isStopping: true };
  await waitFor("the connection to be closed", () => scene.isClosed);
  await scene.left(undefined);
});

Deno.test("a gauge that opens after its process was asked to drain keeps no connection", async () => {
  await using scene = new Scene();
  await scene.follow();
  await scene.gauge.open(1, scene.socket);
  await waitFor("the second connection to be closed", () => scene.closed === 1);
  scene.info = { jobs: 2, connections: 0, isStopping: true };
  await waitFor("the first to be closed", () => scene.closed === 2);
  await scene.left(undefined);
});

Deno.test("a process that ends before it was asked to drain leaves no connection behind", async () => {
  await using scene = new Scene();
  await scene.gauge.open(1, scene.socket);
  assert.equal(scene.isClosed, false);
  assert.equal(scene.gauge.forget(1), null);
  await waitFor("the connection to be closed", () => scene.isClosed);
});

Deno.test("a process that has not begun to drain reports nothing and keeps its gauge", async () => {
  await using scene = new Scene();
  scene.info = { jobs: 2, connections: 0, isStopping: false };
  await scene.follow();
  await waitFor("some questions", () => scene.asked > 5);
  assert.equal(scene.isClosed, false);
  assert.equal(scene.gauge.connections.has(1), false);
});

for (const answer of [null, "", "Unknown command\n"]) {
  Deno.test(`nothing is reported after the answer ${JSON.stringify(answer)}`, async () => {
    await using scene = new Scene();
    await scene.followSeven();
    scene.info = answer;
    await waitFor("the connection to be closed", () => scene.isClosed);
    await scene.left(undefined);
  });
}

Deno.test("the end of a process reports once what was left", async () => {
  await using scene = new Scene();
  await scene.followSeven();
  scene.info = null;
  await scene.left(undefined);
  assert.equal(scene.gauge.forget(1), 7);
  assert.equal(scene.gauge.forget(1), null);
});

Deno.test("the end of a drained process reports that nothing was left", async () => {
  await using scene = new Scene();
  await scene.followSeven();
  scene.info = { jobs: 2, connections: 0, isStopping: true };
  await scene.left(undefined);
  assert.equal(scene.gauge.forget(1), 0);
});

Deno.test("a connection that ended while HAProxy counted was not cut", async () => {
  await using scene = new Scene();
  await scene.follow();
  scene.info = { jobs: 2, connections: 1, isStopping: true };
  await waitFor("the connection to be closed", () => scene.isClosed);
  assert.equal(scene.gauge.forget(1), 0);
});

Deno.test("a process that lived on after its last answer reports nothing", async () => {
  await using scene = new Scene();
  await scene.followSeven();
  scene.info = null;
  await scene.left(undefined);
  await pause(1_600);
  assert.equal(scene.gauge.forget(1), null);
});

Deno.test("a process that does not listen or answer delays nothing", async () => {
  await using folder = new TempFolder();
  const gauge = new DrainGauge();
  await gauge.open(1, folder.at("nobody"));
  using _mute = Deno.listen({ transport: "unix", path: folder.at("mute") });
  await gauge.open(2, folder.at("mute"));
  [1, 2].forEach((one) => gauge.follow(one));
  assert.equal(gauge.connections.size, 0);
});

Deno.test("a generation that keeps serving is not asked", async () => {
  await using scene = new Scene();
  await scene.gauge.open(1, scene.socket);
  scene.gauge.close(1);
  await waitFor("the connection to be closed", () => scene.isClosed);
  scene.gauge.follow(1);
  assert.equal(scene.asked, 1);
});

Deno.test("opening a gauge twice leaves one connection", async () => {
  await using scene = new Scene();
  await scene.gauge.open(1, scene.socket);
  const again = scene.gauge.open(1, scene.socket);
  await waitFor("the first to be closed", () => scene.isClosed);
  await again;
  scene.info = { jobs: 9, connections: 7, isStopping: true };
  scene.gauge.follow(1);
  await scene.left(7);
});

Deno.test("of two that are opened at a time one is closed", async () => {
  await using scene = new Scene();
  await Promise.all([1, 2].map(() => scene.gauge.open(1, scene.socket)));
  scene.info = { jobs: 9, connections: 7, isStopping: true };
  scene.gauge.follow(1);
  await scene.left(7);
  await waitFor("the other to be closed", () => scene.closed > 0);
  assert.equal(scene.closed, 1);
});
