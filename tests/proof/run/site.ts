/** What each contestant serves: a configuration with a frontend for each kind of clients. */
import { Authority } from "../../support/certificates.ts";
import { quic } from "../../support/needs.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { contentText, QUICK_PATH, SLOW_PATH } from "../load/bodies.ts";
import { SITE } from "../../support/clients/connection.ts";
import { type KindName, kindNames, type PerKind } from "../load/kinds.ts";
import { Upstream } from "../load/upstream.ts";

export interface Site {
  readonly workspace: Workspace;
  readonly ports: PerKind<number>;
  /** Used by no client; some changes bind or release it. */
  readonly extraPort: number;
  /** Taken by somebody else. */
  readonly takenPort: number;
  /** The PEM of the authority of the certificate. */
  readonly authority: string;
  /** A configuration that answers with this content. */
  configuration(content: number, more?: ConfigurationMore): string;
}

export interface ConfigurationMore {
  /** Added to the first frontend. */
  readonly lines?: string;
  /** Added to `global`. */
  readonly global?: string;
}

/** Starts the servers behind HAProxy, and writes the first configuration. */
export async function makeSite(room: AsyncDisposableStack): Promise<Site> {
  const workspace = room.use(new Workspace());
  const listener = room.use(asyncDisposable(Deno.listen({ hostname: "127.0.0.1", port: 0 })));
  const upstream = await room.use(new Upstream()).start();
  const authority = new Authority(workspace.at("ca"));
  const certificate = workspace.at("site.pem");
  Deno.writeTextFileSync(certificate, authority.issue({ name: SITE }).pem);
  const kinds = kindNames({ hasQuic: quic().missing === null });
  const ports = Object.fromEntries(
    kinds.map((name) => [name, freePort()]),
  ) as unknown as Site["ports"];
  const overQuic = (name: KindName, content: number) =>
    ports[name] === undefined
      ? ""
      : frontend(name, `quic4@127.0.0.1:${ports[name]} ssl crt ${certificate} alpn h3`, content);
  return {
    workspace,
    ports,
    extraPort: freePort(),
    takenPort: listener.addr.port,
    authority: authority.certificate,
    configuration: (content, { lines = "", global = "" } = {}) =>
      `global
    hard-stop-after 30s
${global}
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    default_backend slow

${frontend("new_connection", `127.0.0.1:${ports.new_connection}`, content)}${lines}
${frontend("keep_alive", `127.0.0.1:${ports.keep_alive}`, content)}
${frontend("keep_alive_closing", `127.0.0.1:${ports.keep_alive_closing}`, content)}
    option idle-close-on-response

${frontend("tls", `127.0.0.1:${ports.tls} ssl crt ${certificate}`, content)}
${frontend("http2", `127.0.0.1:${ports.http2} ssl crt ${certificate} alpn h2`, content)}
${overQuic("http3", content)}
${overQuic("http3_kept", content)}
frontend tcp
    mode tcp
    bind 127.0.0.1:${ports.tcp}
    default_backend echo

backend slow
    server only 127.0.0.1:${upstream.slow}

backend echo
    mode tcp
    server only 127.0.0.1:${upstream.echo}
`,
  };
}

const frontend = (name: KindName, address: string, content: number) =>
  `frontend ${name}
    bind ${address}
    http-request return status 200 content-type text/plain string "${
    contentText(content)
  }" if { path ${QUICK_PATH} }
    http-request deny unless { path ${SLOW_PATH} }
`;

function asyncDisposable(listener: Deno.TcpListener): Deno.TcpListener & AsyncDisposable {
  return Object.assign(listener, {
    [Symbol.asyncDispose]: () => Promise.resolve(listener.close()),
  });
}
