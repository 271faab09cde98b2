/** The parts of the library that are loaded when first used, and the globals each provides. */
export const PARTS = {
  inspect: [],
  url: ["URL", "URLSearchParams"],
  idna: [],
  encoding: ["TextEncoder", "TextDecoder"],
  clone: ["structuredClone"],
  process: ["process"],
  events: ["Event", "EventTarget", "CustomEvent", "AbortController", "AbortSignal"],
  streams: [
    "ReadableStream",
    "ReadableStreamDefaultReader",
    "ReadableStreamBYOBReader",
    "ReadableStreamDefaultController",
    "ReadableByteStreamController",
    "ReadableStreamBYOBRequest",
    "WritableStream",
    "WritableStreamDefaultWriter",
    "WritableStreamDefaultController",
    "TransformStream",
    "TransformStreamDefaultController",
    "ByteLengthQueuingStrategy",
    "CountQueuingStrategy",
  ],
  "text-streams": ["TextDecoderStream", "TextEncoderStream"],
  blob: ["Blob", "File"],
  formdata: ["FormData"],
  headers: ["Headers"],
  transport: [],
  fetch: ["Request", "Response", "fetch"],
  websocket: ["WebSocket"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type PartName = keyof typeof PARTS;
