/** A response as a stream: `IncomingMessage` of `node:http`. */
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import type { Incoming } from "../libraries/transport.ts";
import { aborted, failureOf } from "./http-errors.ts";
import type { Socket } from "./http-socket.ts";

/** Of these only the first counts: https://nodejs.org/api/http.html#messageheaders. */
const SINGLE = new Set(
  `age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since
last-modified location max-forwards proxy-authorization referer retry-after server user-agent`.split(/\s+/),
);

export class IncomingMessage extends Readable {
  readonly httpVersion = "1.1";
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly url = "";
  readonly method = null;
  readonly trailers = {};
  readonly rawTrailers: string[] = [];
  readonly statusCode: number | null;
  readonly statusMessage: string | null;
  readonly rawHeaders: string[];
  readonly socket: Socket;
  complete = false;
  aborted = false;
  readonly #incoming: Incoming | null;
  #headers: Record<string, string | string[]> | null = null;

  constructor(socket: Socket, incoming: Incoming | null = null) {
    super({ highWaterMark: 64 * 1024 });
    this.socket = socket;
    this.#incoming = incoming;
    this.statusCode = incoming?.head.status ?? null;
    this.statusMessage = incoming?.head.statusText ?? null;
    this.rawHeaders = incoming?.head.headers.flat() ?? [];
  }

  get headers(): Record<string, string | string[]> {
    this.#headers ??= joined(this.rawHeaders);
    return this.#headers;
  }
  get headersDistinct(): Record<string, string[]> {
    const headers: Record<string, string[]> = Object.create(null);
    for (let i = 0; i < this.rawHeaders.length; i += 2) {
      const key = (this.rawHeaders[i] as string).toLowerCase();
      headers[key] = [...(headers[key] ?? []), this.rawHeaders[i + 1] as string];
    }
    return headers;
  }
  get connection(): Socket {
    return this.socket;
  }
  setTimeout(ms: number, callback?: () => void): this {
    this.socket.setTimeout(ms, callback);
    return this;
  }

  override _read(): void {
    this.#next().then(
      (piece) => {
        this.socket.touch();
        if (piece === null) this.complete = true;
        this.push(piece);
      },
      (error) => this.destroy(failureOf(error)),
    );
  }

  async #next(): Promise<Buffer | null> {
    const piece = await this.#incoming?.body.read();
    return piece ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) : null;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    let reason = error;
    if (!this.complete && !this.readableEnded) {
      this.aborted = true;
      this.emit("aborted");
      reason ??= this.listenerCount("error") > 0 ? aborted() : null;
      this.#incoming?.body.cancel(reason);
    }
    callback(reason);
  }
}

function joined(raw: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < raw.length; i += 2) {
    const key = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    const there = Object.hasOwn(headers, key) ? headers[key] : undefined;
    if (key === "set-cookie") headers[key] = [...((there as string[]) ?? []), value];
    else if (there === undefined) define(headers, key, value);
    else if (!SINGLE.has(key))
      define(headers, key, `${there as string}${key === "cookie" ? "; " : ", "}${value}`);
  }
  return headers;
}

/** A header may be called `__proto__`. */
function define(headers: object, key: string, value: string): void {
  Object.defineProperty(headers, key, { value, writable: true, enumerable: true, configurable: true });
}
