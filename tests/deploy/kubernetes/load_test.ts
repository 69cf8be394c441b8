/** The load records failures and nothing else, and finds none in reloads. */
import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { isServed, loadOn } from "./load.ts";
import { manifestOf } from "./manifests.ts";
import { CONFIGURATION, located, mount } from "./mounted.ts";

const CERTIFICATE: string = manifestOf("Secret").stringData["tls.crt"];

Deno.test("five reloads fail no request, by new and by kept connections, with TLS and without", async () => {
  await using folder = new TempFolder();
  await using workspace = new Workspace();
  const ports = { http: workspace.port, https: freePort() };
  mount(folder, ports);
  const page = (text: string) =>
    located(CONFIGURATION, folder, ports).replace("Hello from HAProxy", text);
  await workspace.replace(page("0"));
  const wrapper = await workspace.serve();
  await using load = loadOn({ ...ports, certificate: CERTIFICATE });
  for (const text of ["1", "2", "3", "4", "5"]) {
    await workspace.replace(page(text));
    await wrapper.says(new RegExp(`generation ${Number(text) + 1} serves`));
    await waitFor(`"${text}"`, () => load.texts.has(`${text}\n`));
  }
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.ok(load.answers > 50 && load.connections > 20 && load.connections < load.answers);
});

Deno.test("a connection that is cut, one that is refused and another answer are failures", async () => {
  for (const [answer, failure] of ANSWERS) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const serving = (async () => {
      for await (const connection of listener) void respond(connection, answer);
    })();
    const served = { http: port, https: freePort(), certificate: CERTIFICATE };
    assert.equal(await isServed(served), false);
    const load = loadOn(served, 1);
    await waitFor("a failure of each kind", () => load.failures.length >= 8);
    await load.stop();
    const failures = load.failures.map(({ name, kind }) => `${name}: ${kind}`);
    assert.ok(failures.includes(failure), failures.join());
    assert.ok(failures.includes("https, new connection: refused"), failures.join());
    listener.close();
    await serving;
  }
});

const ANSWERS: readonly (readonly [string, string])[] = [
  ["", "http, new connection: empty"],
  ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHell", "http, kept connection: cut"],
  ["HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "http, kept connection: wrong"],
];

async function respond(connection: Deno.Conn, answer: string): Promise<void> {
  await connection.read(new Uint8Array(1_024)).catch(() => null);
  await connection.write(new TextEncoder().encode(answer)).catch(() => 0);
  connection.close();
}
