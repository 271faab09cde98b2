/** Web streams: https://streams.spec.whatwg.org. */
import * as streams from "web-streams-polyfill";

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

export const make = (): StreamsPart => ({ ...streams, isDisturbed }) as unknown as StreamsPart;
