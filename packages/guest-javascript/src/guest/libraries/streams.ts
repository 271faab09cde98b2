/** Web streams: https://streams.spec.whatwg.org. */
import * as streams from "web-streams-polyfill";
import { printAs } from "./show.ts";

/** What the part gives: the classes, and what bodies need of them. */
export interface StreamsPart {
  readonly ReadableStream: typeof ReadableStream;
  readonly WritableStream: typeof WritableStream;
  readonly TransformStream: typeof TransformStream;
  /** Whether anything was ever read from a stream, or it was cancelled. */
  isDisturbed(stream: ReadableStream): boolean;
}

/** The standard's `[[disturbed]]`, which the package keeps in a property and does not tell. */
const isDisturbed = (stream: ReadableStream): boolean =>
  (stream as unknown as { readonly _disturbed?: unknown })._disturbed === true;

const isOfBytes = (stream: object): boolean =>
  (stream as { readonly _readableStreamController?: object })._readableStreamController instanceof
  streams.ReadableByteStreamController;

const stateOf = (stream: object): unknown => (stream as { readonly _state?: unknown })._state;

printAs(streams.ReadableStream, "ReadableStream", (stream) => ({
  locked: stream.locked,
  state: stateOf(stream),
  supportsBYOB: isOfBytes(stream),
}));
printAs(streams.WritableStream, "WritableStream", (stream) => ({
  locked: stream.locked,
  state: stateOf(stream),
}));

export const make = (): StreamsPart => ({ ...streams, isDisturbed }) as unknown as StreamsPart;
