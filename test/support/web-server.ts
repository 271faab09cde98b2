/** A server on the loopback interface that answers what tests of the network ask it for. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";

export interface WebServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Requests that were ended by the other side before their response was. */
  readonly dropped: () => number;
  /** Requests so far. */
  readonly requests: () => number;
  close(): void;
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** Rooms where one request waits for another: `/wait?room` ends when `/tell?room` came, or the other way round. */
function meeting(): (room: string) => { readonly told: Promise<void>; tell(): void } {
  const rooms = new Map<string, { readonly told: Promise<void>; tell(): void }>();
  return (name) => {
    const found = rooms.get(name);
    if (found) return found;
    const { promise, resolve } = Promise.withResolvers<void>();
    const room = { told: promise, tell: resolve };
    rooms.set(name, room);
    return room;
  };
}

const ROUTES: Readonly<Record<string, (room: ReturnType<typeof meeting>) => Handler>> = {
  "/echo": () => async (request, response) => {
    const body = await bodyOf(request);
    const { host: _, connection: _c, ...headers } = request.headers;
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.end(
      JSON.stringify({ method: request.method, url: request.url, headers, body: body.toString("latin1") }),
    );
  },
  "/headers": () => (_request, response) => {
    response.writeHead(203, "Somehow", [
      ...["Set-Cookie", "a=1", "set-cookie", "b=2", "X-Twice", "1", "x-twice", "2", "X-Latin", "\xe9"],
    ]);
    response.end("done");
  },
  "/status": () => (_request, response, url) => {
    response.writeHead(Number(url.searchParams.get("code"))).end();
  },
  "/redirect": () => async (request, response, url) => {
    await bodyOf(request);
    const { searchParams: query } = url;
    response.writeHead(Number(query.get("code") ?? 302), { location: query.get("to") ?? "/" }).end("moved");
  },
  "/gzip": () => (_request, response) => {
    response.setHeader("content-encoding", "gzip").end(gzipSync("é".repeat(1000)));
  },
  "/big": () => (_request, response, url) => {
    response.end(Buffer.alloc(Number(url.searchParams.get("size")), "abcdefgh"));
  },
  "/slow": () => async (_request, response, url) => {
    await sleep(Number(url.searchParams.get("ms")));
    response.end("slow");
  },
  "/never": () => (_request, response, url) => {
    if (url.searchParams.has("head")) response.write("begun");
  },
  "/cut": () => (_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half");
    setTimeout(() => response.destroy(), 250);
  },
  // The second event is sent when the first has arrived.
  "/events": (room) => async (_request, response, url) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let i = 0; i < 3; i++) {
      response.write(`event: n\ndata: {"i":${i}}\n\n`);
      await room(`${url.searchParams.get("room")}${i}`).told;
    }
    response.end();
  },
  "/tell": (room) => (_request, response, url) => {
    room(url.search.slice(1)).tell();
    response.end();
  },
  "/wait": (room) => async (_request, response, url) => {
    await room(url.search.slice(1)).told;
    response.end();
  },
  // Says in a room that a piece of the body is here.
  "/upload": (room) => async (request, response, url) => {
    let size = 0;
    let pieces = 0;
    for await (const piece of request) {
      size += (piece as Buffer).length;
      room(`${url.searchParams.get("room")}${pieces++}`).tell();
    }
    response.end(JSON.stringify({ size, chunked: request.headers["transfer-encoding"] ?? null }));
  },
  "/early": () => (_request, response) => void response.writeHead(413).end("too much"),
};

export async function openWebServer(): Promise<WebServer> {
  const room = meeting();
  let dropped = 0;
  let requests = 0;
  const handlers = Object.fromEntries(Object.entries(ROUTES).map(([path, make]) => [path, make(room)]));
  const server = createServer((request, response) => {
    requests++;
    const url = new URL(request.url ?? "/", "http://localhost");
    response.on("close", () => {
      if (!response.writableFinished) dropped++;
    });
    const handler = handlers[url.pathname];
    if (handler) Promise.resolve(handler(request, response, url)).catch(() => response.destroy());
    else response.writeHead(404).end("nothing here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    dropped: () => dropped,
    requests: () => requests,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
