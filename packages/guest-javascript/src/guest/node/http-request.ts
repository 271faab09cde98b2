/** A request as a stream: `ClientRequest` of `node:http`. */

import { kit } from "capsule:kit";
import { Buffer } from "node:buffer";
import type { Exchange, Incoming, Pieces, TransportPart } from "../libraries/transport.ts";
import { abortError } from "./abort-error.ts";
import { coded, failureOf, hangUp } from "./http-errors.ts";
import { IncomingMessage } from "./http-incoming.ts";
import { type Target, targetOf } from "./http-options.ts";
import { OutgoingMessage } from "./http-outgoing.ts";
import { Socket } from "./http-socket.ts";

type Done = (error?: Error | null) => void;

/** Methods whose requests have no body unless a program writes one. */
const BODYLESS: readonly string[] = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/** Chunks on their way from a writable stream to whoever reads them. */
class Channel implements Pieces {
  #chunk: { readonly bytes: Uint8Array; readonly done: Done } | null = null;
  #sent: Done | null = null;
  #wanted: ((piece: Uint8Array | null) => void) | null = null;
  #ended = false;
  #cancelled = false;

  /** Calls back when there is room for the next one. */
  write(bytes: Uint8Array, done: Done): void {
    if (this.#cancelled || bytes.length === 0) {
      done();
      return;
    }
    this.#chunk = { bytes, done };
    this.#deliver();
  }
  end(): void {
    this.#ended = true;
    this.#deliver();
  }
  read(): Promise<Uint8Array | null> {
    this.#sent?.();
    this.#sent = null;
    return new Promise((resolve) => {
      this.#wanted = resolve;
      this.#deliver();
    });
  }
  /** What is written from now on is dropped: nobody takes it, and the response says why. */
  cancel(): void {
    this.#cancelled = true;
    this.#sent?.();
    this.#chunk?.done();
    this.#sent = null;
    this.#chunk = null;
  }

  #deliver(): void {
    if (!this.#wanted || !(this.#chunk || this.#ended)) return;
    const wanted = this.#wanted;
    const chunk = this.#chunk;
    this.#wanted = null;
    this.#chunk = null;
    this.#sent = chunk?.done ?? null;
    wanted(chunk?.bytes ?? null);
  }
}

export class ClientRequest extends OutgoingMessage {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly protocol: string;
  readonly agent: unknown;
  readonly reusedSocket = false;
  readonly socket: Socket;
  aborted = false;
  res: IncomingMessage | null = null;
  readonly #target: Target;
  readonly #leave: () => void;
  #exchange: Exchange | null = null;
  #channel: Channel | null = null;
  /** What `end` was given, where nothing was written before. */
  #only: Uint8Array | null = null;

  constructor(defaults: string, given: readonly unknown[]) {
    super({ highWaterMark: 64 * 1024, autoDestroy: false });
    const { target, options, callback } = targetOf(defaults, given);
    this.#target = target;
    const { method, path, protocol } = target;
    this.method = method;
    this.path = path;
    this.protocol = protocol;
    this.host = target.hostname;
    this.agent = options.agent;
    for (const [name, value] of target.headers) this.appendHeader(name, value);
    if (target.auth !== null && !this.hasHeader("authorization"))
      this.setHeader("Authorization", `Basic ${Buffer.from(target.auth).toString("base64")}`);
    if (callback) this.once("response", callback);
    this.socket = new Socket(protocol === "https:", (error) => this.destroy(error));
    this.socket.on("timeout", () => this.emit("timeout"));
    if (options.timeout) this.socket.setTimeout(options.timeout);
    this.#leave = this.#follow(options.signal);
    queueMicrotask(() => this.#connect());
  }

  get connection(): Socket {
    return this.socket;
  }

  flushHeaders(): void {
    if (!BODYLESS.includes(this.method)) this.#stream();
  }
  setTimeout(ms: number, callback?: () => void): this {
    if (callback) this.once("timeout", callback);
    this.socket.setTimeout(ms);
    return this;
  }
  setNoDelay(): void {}
  setSocketKeepAlive(): void {}
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    queueMicrotask(() => this.emit("abort"));
    this.destroy();
  }

  override end(...given: unknown[]): this {
    const [chunk, encoding] = given;
    const isFirst = !this.#channel && !this.#only && this.writableLength === 0 && !this.writableEnded;
    if (isFirst && chunk !== undefined && chunk !== null && typeof chunk !== "function") {
      this.#only =
        typeof chunk === "string"
          ? Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
          : (chunk as Uint8Array);
      return super.end(given.find((each) => typeof each === "function") as () => void);
    }
    return super.end(...(given as []));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.socket.touch();
    this.#stream().write(chunk, done);
  }
  override _final(done: Done): void {
    if (this.#channel) this.#channel.end();
    else this.#open(this.#only ?? (BODYLESS.includes(this.method) ? null : new Uint8Array(0)));
    done();
  }
  override _destroy(given: Error | null, done: Done): void {
    const error = given ?? (this.res ? null : hangUp());
    this.#leave();
    this.#exchange?.abort(error ?? hangUp());
    if (this.res && !this.res.complete) this.res.destroy(given ?? undefined);
    this.socket.over(error !== null);
    done(error);
  }

  #stream(): Channel {
    if (!this.#channel) {
      this.#channel = new Channel();
      this.#open(this.#channel);
    }
    return this.#channel;
  }

  #open(body: Uint8Array | Pieces | null): void {
    if (this.destroyed) return;
    const { open } = kit.loadPart("transport") as TransportPart;
    this.headersSent = true;
    this.#exchange = open({
      method: this.method,
      url: this.#target.url,
      headers: this.headerList(),
      redirect: "manual",
      body,
      timeoutMs: null,
    });
    this.#exchange.response.then(
      (incoming) => this.#answer(incoming),
      (error) => this.destroy(failureOf(error)),
    );
  }

  #answer(incoming: Incoming): void {
    if (this.destroyed) return;
    this.socket.touch();
    const response = new IncomingMessage(this.socket, incoming);
    this.res = response;
    Object.assign(response, { req: this });
    response.once("close", () => this.destroy());
    // Without anybody who wants it a response would be there for ever.
    if (!this.emit("response", response)) response.resume();
  }

  #connect(): void {
    if (this.destroyed) return;
    this.emit("socket", this.socket);
    this.socket.connected();
    if (this.hasHeader("expect")) this.emit("continue");
  }

  #follow(signal: AbortSignal | undefined): () => void {
    if (!signal) return () => {};
    if (!(typeof signal === "object" && "aborted" in signal))
      throw coded("ERR_INVALID_ARG_TYPE", 'The "options.signal" property must be an AbortSignal', TypeError);
    const abort = (): void => {
      this.destroy(abortError(signal.reason));
    };
    if (signal.aborted) queueMicrotask(abort);
    else signal.addEventListener("abort", abort, { once: true });
    return () => signal.removeEventListener("abort", abort);
  }
}
