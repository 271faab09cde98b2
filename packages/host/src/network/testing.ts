import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import type { EffectFailure, HttpResponseHead } from "@capsule-run/protocol";
import type { NetworkCapability } from "../capability.ts";
import { type NetworkOptions, openNetwork } from "./network.ts";

/** A server of a test, which ends with it. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:PORT`, as allowlists have it. */
  readonly host: string;
  readonly url: string;
  /** Sockets that are open. */
  readonly sockets: ReadonlySet<Socket>;
}

async function listening(
  server: Server | ReturnType<typeof createTcpServer>,
  scheme = "http",
): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: `${scheme}://127.0.0.1:${port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const serve = (listener: RequestListener): Promise<TestServer> => listening(createServer(listener));

/** A server below HTTP. */
export const serveRaw = (listener: (socket: Socket) => void): Promise<TestServer> =>
  listening(createTcpServer(listener));

export { listening };

/** Answers with what it was asked. */
export function echo(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    const { method, url, rawHeaders } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, rawHeaders, body: Buffer.concat(pieces).toString("latin1") }));
  });
}

export interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** A network that may reach `hosts`, which ends with the test. */
export function network(
  hosts: readonly string[],
  options: Partial<NetworkOptions> = {},
): NetworkCapability & AsyncDisposable {
  const opened = openNetwork({ hosts, secrets: null, ...options });
  return Object.defineProperties(opened as NetworkCapability & AsyncDisposable, {
    [Symbol.asyncDispose]: { value: () => opened.close() },
  });
}

/** Waits for the end of small bodies, however busy the machine is. */
export const PATIENT: Partial<NetworkOptions> = { limits: { quietMs: 5000 } };

const NEVER = new AbortController().signal;

export interface Asked {
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly redirect?: "follow" | "manual" | "error";
  readonly body?: string | Uint8Array | "stream";
  readonly stream?: boolean;
  readonly timeoutMs?: number | null;
  readonly signal?: AbortSignal;
}

export interface Got {
  readonly head: HttpResponseHead;
  readonly payload: Buffer;
}

export const perform = async (
  { perform: ask }: NetworkCapability,
  name: string,
  head: Readonly<Record<string, unknown>>,
  payload: Uint8Array | string = "",
  signal: AbortSignal = NEVER,
): Promise<Got> => {
  const { head: answer, payload: bytes } = await ask(name, head, Buffer.from(payload), signal, 1);
  return { head: answer as HttpResponseHead, payload: Buffer.from(bytes ?? []) };
};

/** One request, as the guests make it. */
export function ask(net: NetworkCapability, url: string, asked: Asked = {}): Promise<Got> {
  const { method = "GET", headers = [], redirect = "follow", body, stream = false, timeoutMs = null } = asked;
  const kind = stream ? "stream" : body === undefined ? "none" : "whole";
  return perform(
    net,
    "request",
    { method, url, headers, redirect, body: kind, timeoutMs },
    body ?? "",
    asked.signal,
  );
}

/** The whole body of a response. */
export async function bodyOf(net: NetworkCapability, { head, payload }: Got): Promise<Buffer> {
  const pieces = [payload];
  for (let done = head.handle === null; !done; ) {
    const got = await perform(net, "read", { handle: head.handle });
    pieces.push(got.payload);
    done = (got.head as unknown as { done: boolean }).done;
  }
  return Buffer.concat(pieces);
}

/** Asks, and gives what was echoed. */
export const echoed = async (net: NetworkCapability, url: string, asked?: Asked): Promise<Echoed> =>
  JSON.parse((await bodyOf(net, await ask(net, url, asked))).toString()) as Echoed;

/** Matches an EffectError. */
export const failing =
  (code: string, message = /./) =>
  (error: unknown) => {
    const failure = error as EffectFailure;
    if (failure.code !== code || !message.test(failure.message))
      throw new Error(`expected ${code} ${message}, got ${failure.code}: ${failure.message}`, {
        cause: error,
      });
    return true;
  };
