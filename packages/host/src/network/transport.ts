import type { LookupFunction, Socket } from "node:net";
import { isIPv6 } from "node:net";
import type { Readable } from "node:stream";
import type { Pool } from "undici";
import { NETWORK_LIMITS } from "./limits.ts";
import { shownHost, type Target } from "./target.ts";

/** Where a request goes: a target and the addresses that were checked for it, the only ones that are connected to. */
export interface Route {
  /** Connections are shared by requests of one scope only: a run. */
  readonly scope: string;
  readonly target: Target;
  readonly addresses: readonly string[];
}

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | Readable | null;
}

export interface WireResponse {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, in Latin-1. */
  readonly headers: readonly string[];
  readonly body: Readable;
}

/** HTTP/1.1 over connections that are kept for a while. A runtime has one. */
export interface Transport {
  /** @throws what the connection failed with, or the signal's reason */
  send(route: Route, request: WireRequest, signal: AbortSignal): Promise<WireResponse>;
  /** Sockets that are open or being opened. */
  readonly sockets: number;
  /** Ends the connections of a scope: nobody sends in it any more. */
  leave(scope: string): void;
  /** Ends all connections. Never rejects. */
  close(): Promise<void>;
}

export interface TransportOptions {
  /** Certificates in PEM that are trusted instead of Node's, which include `NODE_EXTRA_CA_CERTS`. */
  readonly ca?: string;
  /** Milliseconds that a connection is kept without use. */
  readonly keepAliveMs?: number;
}

/** The connections to one route. */
interface Line {
  readonly scope: string;
  readonly pool: Pool;
  /** Requests that use it. */
  users: number;
  expiry: NodeJS.Timeout | undefined;
}

/** Lines that are kept without use. */
const MOST_IDLE = 256;

/** Loads undici's parts: nothing else of it is needed, and all of it takes twice the time. */
const loadUndici = async () => {
  const [pool, connect, request] = await Promise.all([
    import("undici/lib/dispatcher/pool.js"),
    import("undici/lib/core/connect.js"),
    import("undici/lib/api/api-request.js"),
  ]);
  return { Pool: pool.default, buildConnector: connect.default, request: request.default };
};

/** Answers with what was checked, whatever the name resolves to by now. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host, options, done) => {
    const [first] = all;
    if (options.all) done(null, all);
    else if (first) done(null, first.address, first.family);
    else done(new Error("no address"), "");
  };
}

const keyOf = ({ scope, target, addresses }: Route): string =>
  JSON.stringify([scope, target.scheme, target.host, target.port, [...addresses].sort()]);

/** Makes a transport. It costs nothing until something is sent. */
export function createTransport(options: TransportOptions = {}): Transport {
  const keepAliveMs = options.keepAliveMs ?? 4000;
  const lines = new Map<string, Line>();
  const sockets = new Set<Socket>();
  let undici: ReturnType<typeof loadUndici> | undefined;
  let isClosed = false;

  function openLine(route: Route, { Pool, buildConnector }: Awaited<ReturnType<typeof loadUndici>>): Line {
    const connect = buildConnector({
      allowH2: false,
      timeout: NETWORK_LIMITS.connectMs,
      lookup: pinned(route.addresses),
      autoSelectFamily: true,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    }) as (...args: unknown[]) => Socket;
    const pool = new Pool(`${route.target.scheme}//${shownHost(route.target)}`, {
      allowH2: false,
      useMilo: false,
      maxHeaderSize: NETWORK_LIMITS.headerBytes,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // Times are kept by who sends, to the millisecond.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (...args: unknown[]) => {
        const socket = connect(...args);
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        return socket;
      },
    });
    return { scope: route.scope, pool, users: 0, expiry: undefined };
  }

  function drop(key: string, line: Line): void {
    clearTimeout(line.expiry);
    if (lines.get(key) === line) lines.delete(key);
    void line.pool.destroy().catch(() => {});
  }

  function dropOldestIdle(): void {
    for (const [key, line] of lines) {
      if (lines.size < MOST_IDLE) return;
      if (line.users === 0) drop(key, line);
    }
  }

  function release(key: string, line: Line): void {
    line.users--;
    if (line.users > 0 || lines.get(key) !== line) return;
    // Behind the newer ones, so that the one used longest ago goes first.
    lines.delete(key);
    lines.set(key, line);
    line.expiry = setTimeout(drop, keepAliveMs + 500, key, line).unref();
  }

  async function send(route: Route, request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
    undici ??= loadUndici();
    const loaded = await undici;
    if (isClosed) throw new Error("the transport is closed");
    signal.throwIfAborted();
    const key = keyOf(route);
    let line = lines.get(key);
    if (!line) {
      dropOldestIdle();
      line = openLine(route, loaded);
      lines.set(key, line);
    }
    const used = line;
    used.users++;
    clearTimeout(used.expiry);
    try {
      const response = await loaded.request.call(used.pool, {
        method: request.method,
        path: request.path,
        headers: request.headers as string[],
        body: request.body,
        signal,
        responseHeaders: "raw",
      });
      response.body.once("close", () => release(key, used));
      return {
        status: response.statusCode,
        statusText: response.statusText,
        headers: response.headers as unknown as string[],
        body: response.body,
      };
    } catch (error) {
      release(key, used);
      throw error;
    }
  }

  function leave(scope: string): void {
    for (const [key, line] of lines) if (line.scope === scope) drop(key, line);
  }

  async function close(): Promise<void> {
    isClosed = true;
    const gone = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const [key, line] of lines) drop(key, line);
    for (const socket of sockets) socket.destroy();
    await Promise.all(gone);
  }

  return {
    send,
    leave,
    close,
    get sockets() {
      return sockets.size;
    },
  };
}
