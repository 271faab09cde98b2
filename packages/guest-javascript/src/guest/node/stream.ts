/** `node:stream`: Node's own streams, as their npm package has them. */
import Stream from "readable-stream/lib/stream.js";
import { addAdapters } from "./stream-adapters.ts";
import { consumers } from "./stream-consumers.ts";

/** `node:stream/web`: what is global. */
const web: Record<string, unknown> = {};
for (const name of [
  ...["ReadableStream", "ReadableStreamDefaultReader", "ReadableStreamBYOBReader", "WritableStream"],
  ...["ReadableStreamDefaultController", "WritableStreamDefaultWriter", "TransformStream"],
  ...["ByteLengthQueuingStrategy", "CountQueuingStrategy", "TextEncoderStream", "TextDecoderStream"],
])
  Object.defineProperty(web, name, {
    enumerable: true,
    get: () => (globalThis as Record<string, unknown>)[name],
  });

addAdapters(Stream);

export default Object.assign(Stream, { consumers, web });
