/** The thread behind `upstream.ts`. */
import { EchoServer } from "../../support/clients/echo_server.ts";
import { answerQuestions } from "../../support/machine/thread.ts";
import { pause } from "../../support/wait.ts";
import { SLOW_BODY } from "./bodies.ts";
import type { UpstreamPorts } from "./upstream.ts";

answerQuestions<"start", UpstreamPorts>(() => ({
  slow: listen(answerSlowly),
  echo: new EchoServer().port,
}));

function listen(handle: (connection: Deno.Conn) => Promise<void>): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of listener) {
      // The client reports a connection that ends before its answer.
      void handle(connection).catch(() => {}).finally(() => connection.close());
    }
  })();
  return listener.addr.port;
}

async function answerSlowly(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4_096);
  for (let head = ""; !head.includes("\r\n\r\n");) {
    const count = await connection.read(buffer);
    if (count === null) return;
    head += new TextDecoder().decode(buffer.subarray(0, count));
  }
  await pause(20 + 80 * Math.random());
  const half = SLOW_BODY.length / 2;
  const head =
    `HTTP/1.1 200 OK\r\ncontent-length: ${SLOW_BODY.length}\r\nconnection: close\r\n\r\n`;
  await writeAll(connection, new TextEncoder().encode(head + SLOW_BODY.slice(0, half)));
  await pause(20);
  await writeAll(connection, new TextEncoder().encode(SLOW_BODY.slice(half)));
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}
