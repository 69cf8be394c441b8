/** The kinds of clients: 50 connections in all, and 10 more where HAProxy speaks QUIC. */
import {
  type Connection,
  connectPlain,
  connectTls,
  type SecureAddress,
} from "../../support/clients/connection.ts";
import { Http1Connection } from "../../support/clients/http1.ts";
import { Http2Connection } from "../../support/clients/http2.ts";
import { connectHttp3 } from "../../support/clients/http3.ts";
import { TcpConnection } from "../../support/clients/tcp.ts";

export interface Kind {
  readonly title: string;
  readonly clients: number;
  /** The longest pause between two requests of a client. */
  readonly thinkMs: number;
  /** How long a client keeps a connection; 0: one request. */
  readonly keepsMs: readonly [least: number, most: number];
  /** Whether HAProxy may close an idle connection of this kind without announcing it. */
  readonly mayMeetIdleClosing: boolean;
  /**
   * Needs an HAProxy with QUIC and Deno's `--unstable-net`. HAProxy itself fails some of its requests at each
   * reload: see the README.
   */
  readonly needsQuic?: true;
  open(address: SecureAddress): Promise<Connection>;
  /** Its answers carry no content, but what was sent. */
  readonly isEcho?: true;
}

const ONE_REQUEST = [0, 0] as const;
const FOR_EVER = [Infinity, Infinity] as const;

export const KINDS = {
  new_connection: {
    title: "HTTP, a connection for each request",
    clients: 10,
    thinkMs: 200,
    keepsMs: ONE_REQUEST,
    mayMeetIdleClosing: false,
    open: async (address) => new Http1Connection(await connectPlain(address), { isOnlyOne: true }),
  },
  keep_alive: {
    title: "HTTP keep-alive",
    clients: 10,
    thinkMs: 200,
    keepsMs: FOR_EVER,
    mayMeetIdleClosing: true,
    open: async (address) => new Http1Connection(await connectPlain(address)),
  },
  keep_alive_closing: {
    title: "HTTP keep-alive, `option idle-close-on-response`",
    clients: 10,
    thinkMs: 200,
    keepsMs: FOR_EVER,
    mayMeetIdleClosing: false,
    open: async (address) => new Http1Connection(await connectPlain(address)),
  },
  tls: {
    title: "HTTPS, a handshake for each request",
    clients: 6,
    thinkMs: 300,
    keepsMs: ONE_REQUEST,
    mayMeetIdleClosing: false,
    open: async (address) => new Http1Connection(await connectTls(address), { isOnlyOne: true }),
  },
  http2: {
    title: "HTTP/2 over TLS, kept connections",
    clients: 6,
    thinkMs: 200,
    keepsMs: FOR_EVER,
    mayMeetIdleClosing: false,
    open: async (address) => new Http2Connection(await connectTls(address, ["h2"])),
  },
  tcp: {
    title: "TCP, connections of 1 to 3 s",
    clients: 8,
    thinkMs: 200,
    keepsMs: [1_000, 3_000],
    mayMeetIdleClosing: false,
    isEcho: true,
    open: async (address) => new TcpConnection(await connectPlain(address)),
  },
  http3: {
    title: "HTTP/3 over QUIC, a connection for each request",
    clients: 4,
    thinkMs: 300,
    keepsMs: ONE_REQUEST,
    mayMeetIdleClosing: false,
    needsQuic: true,
    open: connectHttp3,
  },
  http3_kept: {
    title: "HTTP/3 over QUIC, kept connections",
    clients: 6,
    thinkMs: 200,
    keepsMs: FOR_EVER,
    mayMeetIdleClosing: false,
    needsQuic: true,
    open: connectHttp3,
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

export const KIND_NAMES = Object.keys(KINDS) as KindName[];

type QuicKindName = {
  [Name in KindName]: typeof KINDS[Name] extends { needsQuic: true } ? Name : never;
}[KindName];

/** For the kinds that take part; those over QUIC may not. */
export type PerKind<Value> =
  & Readonly<Record<Exclude<KindName, QuicKindName>, Value>>
  & Readonly<Partial<Record<QuicKindName, Value>>>;

/** The kinds that can be served. */
export const kindNames = ({ hasQuic }: { readonly hasQuic: boolean }): readonly KindName[] =>
  KIND_NAMES.filter((name) => hasQuic || !isOfQuic(name));

export const isOfQuic = (name: KindName) => "needsQuic" in KINDS[name];
