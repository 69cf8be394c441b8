import assert from "node:assert/strict";
import type { StatusAddress } from "../../../../lib/settings/status_address.ts";
import { listenAt, listenForStatus } from "../../../../lib/status/http/listener.ts";
import { waitFor } from "../../../support/wait.ts";
import { ROOT, testNeeding } from "../../../support/needs.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { bodyOf, connectTo, Scene, textResponse, withUmask } from "./listening.ts";

function opened(listening: Awaited<ReturnType<typeof listenAt>>) {
  assert.ok(listening.tag === "opened", JSON.stringify(listening));
  return listening;
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const unixIn = (folder: TempFolder): StatusAddress => ({ tag: "unix", path: folder.at("socket") });

/** Tries to listen there, and returns why that is not possible. */
async function refusalAt(address: StatusAddress): Promise<string> {
  const listening = await listenForStatus(address, {
    respond: () => Promise.resolve(textResponse("")),
    onBug: () => {},
    withUmask,
  });
  if (listening.tag === "not_listening") return listening.reason;
  listening.close();
  return assert.fail("it listens");
}

const modeOf = (path: string) => Deno.lstatSync(path).mode! & 0o777;

for (const umask of [0o000, 0o022, 0o177]) {
  Deno.test(`with a umask of ${umask.toString(8)} only its own user can use the socket`, async () => {
    await using folder = new TempFolder();
    const path = folder.at("socket");
    let boundWith = 0;
    const observing = <Result>(mask: number, work: () => Result): Result =>
      withUmask(mask, () => {
        const result = work();
        boundWith = modeOf(path);
        return result;
      });
    const before = Deno.umask(umask);
    const listening = opened(await listenAt(path, observing));
    assert.equal(Deno.umask(before), umask);
    assert.equal(boundWith, 0o600);
    assert.equal(modeOf(path), 0o600);
    listening.close();
    assert.deepEqual(folder.names(), []);
  });
}

Deno.test("without a way to keep other users out, nothing is opened", async () => {
  await using folder = new TempFolder();
  const listening = await listenAt(folder.at("socket"), null);
  assert.ok(listening.tag === "not_listening");
  assert.match(
    listening.reason,
    /other users could not be kept out.*; listen on 127\.0\.0\.1 instead/,
  );
  assert.deepEqual(folder.names(), []);
});

Deno.test({
  name: "what has taken the socket's place is left alone at the end",
  // Ours is left to the end of the program then, since Deno would remove what is there.
  sanitizeResources: false,
  async fn() {
    await using folder = new TempFolder();
    const path = folder.at("socket");
    const listening = opened(await listenAt(path, withUmask));
    Deno.removeSync(path);
    folder.write("socket", "another's");
    listening.close();
    assert.equal(Deno.readTextFileSync(path), "another's");
  },
});

Deno.test("another socket in its place is left alone too", async () => {
  await using folder = new TempFolder();
  const path = folder.at("socket");
  const listening = opened(await listenAt(path, withUmask));
  Deno.removeSync(path);
  const other = Deno.listen({ transport: "unix", path });
  listening.close();
  assert.equal(Deno.lstatSync(path).isSocket, true);
  other.close();
  listening.listener.close();
});

testNeeding([ROOT], "another user's socket is left alone, even if nobody listens", async () => {
  await using folder = new TempFolder();
  const path = folder.at("socket");
  // Deno would remove it as it closes.
  const first = Deno.listen({ transport: "unix", path: folder.at("first") });
  Deno.renameSync(folder.at("first"), path);
  first.close();
  Deno.chownSync(path, 12_345, 12_345);
  const listening = await listenAt(path, withUmask);
  assert.ok(listening.tag === "not_listening");
  assert.equal(listening.reason, "the socket that is there belongs to user 12345, wanted 0");
  assert.equal(Deno.lstatSync(path).isSocket, true);
  Deno.chownSync(path, 0, 0);
  opened(await listenAt(path, withUmask)).close();
});

/** As if file descriptors were exhausted: `accept` fails `times` times. Records when. */
function failToAccept(
  times: number,
  error = new Error("Too many open files (os error 24)"),
): { readonly failedMs: number[] } & Disposable {
  const { listen } = Deno;
  const failedMs: number[] = [];
  const failing = (options: Deno.TcpListenOptions & { transport?: "tcp" }) => {
    const listener = listen(options);
    const accept = listener.accept.bind(listener);
    listener.accept = () => {
      if (failedMs.length >= times) return accept();
      failedMs.push(performance.now());
      return Promise.reject(error);
    };
    return listener;
  };
  Object.assign(Deno, { listen: failing });
  return { failedMs, [Symbol.dispose]: () => void Object.assign(Deno, { listen }) };
}

Deno.test("after a failed accept the next one follows a pause", async () => {
  using failure = failToAccept(3);
  await using scene = await Scene.open();
  assert.equal(bodyOf(await scene.ask(GET)), "/");
  const [first, second, third] = failure.failedMs;
  assert.equal(failure.failedMs.length, 3);
  assert(second! - first! >= 95 && third! - second! >= 95, `${failure.failedMs}`);
});

Deno.test("clients that leave before they are accepted delay nobody", async () => {
  // With a pause after each, this would take 100 s.
  using failure = failToAccept(1_000, new Deno.errors.NotConnected("os error 107"));
  await using scene = await Scene.open();
  let response = "";
  scene.ask(GET).then((text) => response = text);
  await waitFor("the answer", () => bodyOf(response) === "/");
  assert.equal(failure.failedMs.length, 1_000);
});

/** Makes the socket of a process that was killed. Deno removes it, but only by its first name. */
async function leaveOver(folder: TempFolder, name: string): Promise<void> {
  const path = folder.at(name);
  const listener = Deno.listen({ transport: "unix", path: folder.at("first") });
  Deno.linkSync(folder.at("first"), path);
  listener.close();
  // A program that a test on another thread starts at this moment has it until its `exec`.
  const isRefused = () =>
    Deno.connect({ transport: "unix", path }).then((connection) => {
      connection.close();
      return false;
    }, () => true);
  await waitFor("nobody to listen", isRefused);
}

Deno.test("a leftover socket is replaced", async () => {
  await using folder = new TempFolder();
  const address = unixIn(folder);
  await leaveOver(folder, "socket");
  assert.deepEqual(folder.names(), ["socket"]);
  await using scene = await Scene.open({ address });
  assert.equal(bodyOf(await scene.ask(GET)), "/");
});

Deno.test("a socket with a listener is left alone", async () => {
  await using folder = new TempFolder();
  await using scene = await Scene.open({ address: unixIn(folder) });
  assert.equal(await refusalAt(scene.address), "another process listens there");
  assert.equal(bodyOf(await scene.ask(GET)), "/");
});

Deno.test("anything but a socket is left alone, even a link to a leftover one", async () => {
  await using folder = new TempFolder();
  await leaveOver(folder, "left-over");
  for (
    const path of [folder.write("file"), folder.path, folder.link("link", folder.at("left-over"))]
  ) {
    assert.equal(await refusalAt({ tag: "unix", path }), "it exists and is not a socket");
  }
  assert.deepEqual(folder.names(), ["file", "left-over", "link"]);
});

Deno.test("if no socket can be made, the reason is the system's", async () => {
  await using folder = new TempFolder();
  const path = folder.at("missing/socket");
  assert.equal(await refusalAt({ tag: "unix", path }), "No such file or directory");
});

Deno.test("a port that is in use is refused", async () => {
  await using scene = await Scene.open();
  assert.equal(await refusalAt(scene.address), "Address already in use");
});

Deno.test("after close nobody listens, every connection is closed and the file is gone", async () => {
  await using folder = new TempFolder();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using scene = await Scene.open({
    address: unixIn(folder),
    respond: async ({ path }) => (await released, textResponse(path)),
  });
  const [idle, asking] = [await scene.client(), await scene.client()];
  await asking.send(GET);
  await waitFor("the request", () => scene.requests.length === 1);
  scene.close();
  assert.deepEqual(folder.names(), [], "also where the program exits now");
  assert(await idle.isClosed());
  assert(await asking.isClosed());
  await assert.rejects(connectTo(scene.address));
  release();
  await released;
  assert.deepEqual(scene.bugs, []);
});

Deno.test("after close the same port can be listened on again", async () => {
  const first = await Scene.open();
  const { address } = first;
  assert.equal(bodyOf(await first.ask(GET)), "/");
  await first[Symbol.asyncDispose]();
  await using second = await waitFor("the port", () => Scene.open({ address }).catch(() => null));
  assert.equal(bodyOf(await second.ask(GET)), "/");
});
