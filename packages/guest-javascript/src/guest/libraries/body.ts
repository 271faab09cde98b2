/** Bodies of requests and responses: https://fetch.spec.whatwg.org/#body-mixin. No stream is made unless one is asked for. */
import type { Kit } from "../library.ts";
import type { Blob, BlobPart } from "./blob.ts";
import { concat } from "./concat.ts";
import type { FormData, FormDataPart } from "./formdata.ts";
import type { Headers } from "./headers.ts";
import type { StreamsPart } from "./streams.ts";
import type { Pieces } from "./transport.ts";
import { isTagged, scalarString } from "./webidl.ts";

/** Where a body's bytes are: all here, on the way, or in a stream that the program has seen. Null: there is no body. */
export type Source = Uint8Array | Pieces | ReadableStream<Uint8Array> | null;

export interface BodyState {
  source: Source;
  /** Read without a stream. */
  used: boolean;
  /** For `blob` and `formData`. */
  readonly headers: () => Headers;
}

/** A body out of what a program gives as one. */
export interface Extracted {
  readonly source: Exclude<Source, null>;
  readonly type: string | null;
}

const states = new WeakMap<object, BodyState>();
let kit: Kit;

export function useKit(given: Kit): void {
  kit = given;
}

const loadPart = (name: string): unknown => kit.loadPart(name);

const streams = (): StreamsPart => loadPart("streams") as StreamsPart;

export function setBody(on: object, source: Source, headers: () => Headers): void {
  states.set(on, { source, used: false, headers });
}

export function bodyOf(of: object): BodyState {
  const state = states.get(of);
  if (!state) throw new TypeError("Illegal invocation");
  return state;
}

const isStream = (source: Source): source is ReadableStream<Uint8Array> =>
  source !== null && "getReader" in source;

export const isUsed = ({ source, used }: BodyState): boolean =>
  source !== null && (used || (isStream(source) && streams().isDisturbed(source)));

export const isUnusable = (state: BodyState): boolean =>
  isUsed(state) || (isStream(state.source) && state.source.locked);

/** The stream that a program sees. */
export function streamOf(state: BodyState): ReadableStream<Uint8Array> | null {
  const { source } = state;
  if (source === null || isStream(source)) return source;
  const { ReadableStream } = streams();
  const stream = new ReadableStream(
    state.used
      ? { start: (controller: ReadableStreamDefaultController) => controller.close() }
      : pulled(source),
    { highWaterMark: 0 },
  ) as ReadableStream<Uint8Array>;
  // It was read to the end by a reader that stays.
  if (state.used) stream.getReader();
  state.source = stream;
  return stream;
}

function pulled(source: Uint8Array | Pieces): object {
  const pieces = source instanceof Uint8Array ? once(source) : source;
  return {
    type: "bytes",
    async pull(controller: ReadableByteStreamController) {
      const piece = await pieces.read();
      if (piece) controller.enqueue(piece as Uint8Array<ArrayBuffer>);
      else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
    cancel: (reason: unknown) => pieces.cancel(reason),
  };
}

/** Streams take the buffers that they are given, hence the copy. */
function once(bytes: Uint8Array): Pieces {
  let rest: Uint8Array | null = bytes.length > 0 ? bytes : null;
  return {
    async read() {
      const piece = rest;
      rest = null;
      return piece?.slice() ?? null;
    },
    cancel() {
      rest = null;
    },
  };
}

/** A source as pieces, for sending and for reading to the end. A stream is locked by this. */
export function piecesOf(source: Exclude<Source, null>): Pieces {
  if (source instanceof Uint8Array) return once(source);
  if (!isStream(source)) return source;
  const reader = source.getReader();
  return {
    async read() {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return null;
        if (!(value instanceof Uint8Array)) throw new TypeError("Received non-Uint8Array chunk");
        if (value.length > 0) return value;
      }
    },
    cancel: (reason) => void reader.cancel(reason).catch(() => {}),
  };
}

async function allBytes(state: BodyState): Promise<Uint8Array> {
  const { source } = state;
  if (source === null) return new Uint8Array(0);
  state.used = true;
  if (source instanceof Uint8Array) return source;
  const from = piecesOf(source);
  const pieces: Uint8Array[] = [];
  for (let piece = await from.read(); piece; piece = await from.read()) pieces.push(piece);
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : concat(pieces);
}

/** Two of one body. @throws TypeError if it was read, or is being read */
export function cloneBody(state: BodyState, where: string): Source {
  if (isUnusable(state)) throw new TypeError(`${where}: Body has already been consumed.`);
  if (state.source === null || state.source instanceof Uint8Array) return state.source;
  const [mine, other] = (streamOf(state) as ReadableStream<Uint8Array>).tee();
  state.source = mine;
  return other;
}

/** Takes a body away from its owner, whose body counts as read. */
export function takeBody(state: BodyState): Source {
  const { source } = state;
  if (!isStream(source)) {
    state.used = source !== null;
    return source;
  }
  return source.pipeThrough(new (streams().TransformStream)<Uint8Array, Uint8Array>());
}

const utf8 = (text: string): Uint8Array => kit.encode(text.toWellFormed(), "utf8");

/** https://fetch.spec.whatwg.org/#concept-bodyinit-extract, and async iterables as Node takes them. */
export function extractBody(given: unknown): Extracted {
  if (typeof given === "object" && given !== null) {
    if (isTagged(given, "ReadableStream")) return { source: openStream(given as ReadableStream), type: null };
    if (given instanceof ArrayBuffer) return { source: new Uint8Array(given.slice()), type: null };
    if (ArrayBuffer.isView(given))
      return { source: new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice(), type: null };
    if (isTagged(given, "URLSearchParams"))
      return { source: utf8(String(given)), type: "application/x-www-form-urlencoded;charset=UTF-8" };
    if (isTagged(given, "FormData") && Symbol.iterator in given) {
      const { bytes, boundary } = (loadPart("formdata") as FormDataPart).encode(given);
      return { source: bytes, type: `multipart/form-data; boundary=${boundary}` };
    }
    if (isTagged(given, "Blob") || isTagged(given, "File")) return ofBlob(given as unknown as Blob);
    if (Symbol.asyncIterator in given)
      return { source: iterated(given as AsyncIterable<unknown>), type: null };
  }
  return { source: utf8(scalarString(given)), type: "text/plain;charset=UTF-8" };
}

function openStream(stream: ReadableStream): ReadableStream {
  if (streams().isDisturbed(stream) || stream.locked)
    throw new TypeError("Response body object should not be disturbed or locked");
  return stream;
}

function ofBlob(blob: Blob): Extracted {
  const type = blob.type || null;
  const bytes = (loadPart("blob") as BlobPart).bytesOf(blob);
  return { source: bytes ?? openStream(blob.stream()), type };
}

/** Node's streams, and generators. */
function iterated(iterable: AsyncIterable<unknown>): Pieces {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    async read() {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) return null;
        const piece = ArrayBuffer.isView(value)
          ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
          : utf8(String(value));
        if (piece.length > 0) return piece;
      }
    },
    cancel: () => void iterator.return?.().catch(() => {}),
  };
}

async function consume<T>(of: object, convert: (bytes: Uint8Array, state: BodyState) => T): Promise<T> {
  const state = bodyOf(of);
  if (isUnusable(state)) throw new TypeError("Body is unusable: Body has already been read");
  return convert(await allBytes(state), state);
}

/** https://encoding.spec.whatwg.org/#utf-8-decode: a byte order mark is no part of the text. */
function textOf(bytes: Uint8Array): string {
  const text = kit.decode(bytes, "utf8");
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Bytes that are nobody else's: a body's may be shared with a clone, a stream's chunk is the program's. */
function ownOf(bytes: Uint8Array, { source }: BodyState): Uint8Array<ArrayBuffer> {
  const isShared = source instanceof Uint8Array || isStream(source);
  const isPart = bytes.byteLength !== bytes.buffer.byteLength;
  return (isShared || isPart ? bytes.slice() : bytes) as Uint8Array<ArrayBuffer>;
}

/** The members that `Request` and `Response` have in common. */
export class Body {
  get body(): ReadableStream<Uint8Array> | null {
    return streamOf(bodyOf(this));
  }
  get bodyUsed(): boolean {
    return isUsed(bodyOf(this));
  }
  arrayBuffer(): Promise<ArrayBuffer> {
    return consume(this, (bytes, state) => ownOf(bytes, state).buffer);
  }
  blob(): Promise<Blob> {
    return consume(this, (bytes, { headers }) => {
      const { Blob } = loadPart("blob") as BlobPart;
      return new Blob([bytes], { type: headers().get("content-type") ?? "" });
    });
  }
  bytes(): Promise<Uint8Array> {
    return consume(this, ownOf);
  }
  formData(): Promise<FormData> {
    return consume(this, (bytes, { headers }) =>
      (loadPart("formdata") as FormDataPart).decode(bytes, headers().get("content-type") ?? ""),
    );
  }
  json(): Promise<unknown> {
    return consume(this, (bytes): unknown => JSON.parse(textOf(bytes)));
  }
  text(): Promise<string> {
    return consume(this, textOf);
  }
}

/** Gives a class the members as its own, as it has them in Node. */
export function mixBody(Class: { readonly prototype: Body }): void {
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(Body.prototype);
  Object.defineProperties(Class.prototype, members);
}
