/** The load generator notes what goes wrong, and only that; and it finds a reload without a loss. */
import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { freePort, Workspace } from "../../support/wrapper.ts";
import { TempFolder } from "../../support/temp_folder.ts";
import { isServed, Load } from "./load.ts";
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
  await using load = new Load({ ...ports, certificate: CERTIFICATE });
  for (const text of ["1", "2", "3", "4", "5"]) {
    await workspace.replace(page(text));
    await wrapper.saysMatching(new RegExp(`generation ${Number(text) + 1} serves`));
    await waitFor(`"${text}"`, () => load.texts.has(`${text}\n`));
  }
  const { answered, connections, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(answered > 50 && connections > 20 && connections < answered);
});

Deno.test("a connection that is cut, one that is refused and another answer are failures", async () => {
  for (const [answer, pattern] of ANSWERS) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const serving = (async () => {
      for await (const connection of listener) void respond(connection, answer);
    })();
    const options = { http: port, https: freePort(), certificate: CERTIFICATE, clients: 1 };
    assert.equal(await isServed(options), false);
    const load = new Load(options);
    await waitFor("a failure of each kind", () => load.failures.length >= 8);
    await load.stop();
    const failures = load.failures.join("\n");
    assert.match(failures, pattern);
    assert.match(failures, /https, new connection: ConnectionRefused/);
    listener.close();
    await serving;
  }
});

const ANSWERS: readonly (readonly [string, RegExp])[] = [
  ["", /http, new connection: Error: the connection ended after ""/],
  [
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHell",
    /http, kept connection: Error: the connection ended after "HTTP.*Hell"/s,
  ],
  [
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
    /http, kept connection: Error: answered "HTTP\/1\.1 503 Service Unavailable"/,
  ],
];

async function respond(connection: Deno.Conn, answer: string): Promise<void> {
  await connection.read(new Uint8Array(1_024)).catch(() => null);
  await connection.write(new TextEncoder().encode(answer)).catch(() => 0);
  connection.close();
}
